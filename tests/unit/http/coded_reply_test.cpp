// Tests of header lines and content codings. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/coded_reply.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::http {
namespace {

TEST(CodedReply, TextIsCompressible) {
  for (const std::string_view type : {"text/plain", "text/plain; charset=utf-8", "TEXT/HTML", "text/xml;x",
                                      "application/json ; charset=utf-8", "application/problem+json",
                                      "application/soap+XML", "image/svg+xml", "application/javascript",
                                      "application/openmetrics-text; version=1.0.0", "application/wasm"})
    EXPECT_TRUE(is_compressible(type)) << type;
}

TEST(CodedReply, WhatIsCompressedOrMustLeaveAtOnceIsNot) {
  for (const std::string_view type :
       {"", "text", "text/event-stream", "Text/Event-Stream; charset=utf-8", "image/png", "image/jpeg",
        "video/mp4", "application/zip", "application/gzip", "application/octet-stream",
        "application/epub+zip", "json", "multipart/byteranges; boundary=text/plain", "application/pdf",
        "application/jsonx"})
    EXPECT_FALSE(is_compressible(type)) << type;
}

TEST(CodedReply, BytesThatAreSpokenOfStayAsTheyAre) {
  for (const std::string_view lines :
       {"Content-Encoding: gzip\r\n", "content-encoding:br\r\n", "X: y\r\nContent-Range: bytes 0-1/2\r\n",
        "Content-Digest: sha-256=:AA==:\r\n", "Repr-Digest: x\r\n", "Digest: x\r\n", "Content-MD5: x\r\n",
        "Cache-Control: no-transform\r\n", "Cache-Control: max-age=1 , No-Transform\r\n",
        "Cache-Control: private\r\nCache-Control: no-transform\r\n"})
    EXPECT_TRUE(forbids_coding(lines)) << lines;
  for (const std::string_view lines :
       {"", "X: Content-Encoding: gzip\r\n", "Cache-Control: no-cache, max-age=1\r\n",
        "X-Content-Encoding: gzip\r\n", "Cache-Control: x=\"no-transform, y\"\r\n", "no colon",
        "Accept-Ranges: bytes\r\nETag: \"Digest: \"\r\n"})
    EXPECT_FALSE(forbids_coding(lines)) << lines;
}

std::string varied(std::string lines) {
  add_vary(lines);
  return lines;
}

TEST(CodedReply, VaryIsMergedWithWhatIsThere) {
  EXPECT_EQ(varied(""), "Vary: Accept-Encoding\r\n");
  EXPECT_EQ(varied("X: y\r\n"), "X: y\r\nVary: Accept-Encoding\r\n");
  EXPECT_EQ(varied("Vary: Origin\r\nX: y\r\n"), "Vary: Origin, Accept-Encoding\r\nX: y\r\n");
  EXPECT_EQ(varied("vary:\tOrigin \r\n"), "vary:\tOrigin, Accept-Encoding \r\n");
  EXPECT_EQ(varied("Vary: a\r\nVary: b\r\n"), "Vary: a\r\nVary: b, Accept-Encoding\r\n");
  EXPECT_EQ(varied("Vary: \r\n"), "Vary: \r\nVary: Accept-Encoding\r\n");
  for (const std::string lines :
       {"Vary: *\r\n", "Vary: Origin, accept-encoding\r\n", "Vary: a\r\nVary: Accept-Encoding\r\n"})
    EXPECT_EQ(varied(lines), lines);
}

std::string coded(std::string lines) {
  apply_coding(ContentCoding::kZstd, lines);
  return lines;
}

TEST(CodedReply, ACodedBodyHasAWeakTagAndNoRanges) {
  EXPECT_EQ(coded(""), "Content-Encoding: zstd\r\n");
  EXPECT_EQ(coded("ETag: \"a\"\r\nAccept-Ranges: bytes\r\nX: y\r\n"),
            "ETag: W/\"a\"\r\nX: y\r\nContent-Encoding: zstd\r\n");
  EXPECT_EQ(coded("accept-ranges: bytes\r\nAccept-Ranges: none\r\netag:W/\"a\"\r\n"),
            "etag:W/\"a\"\r\nContent-Encoding: zstd\r\n");
  EXPECT_EQ(coded("ETag: nonsense\r\n"), "ETag: nonsense\r\nContent-Encoding: zstd\r\n");
}

TEST(CodedReply, ADateIsNoValidatorOfABodyThatHasRangesInAnotherForm) {
  EXPECT_EQ(coded("Last-Modified: x\r\nAccept-Ranges: bytes\r\n"), "Content-Encoding: zstd\r\n");
  EXPECT_EQ(coded("Last-Modified: x\r\n"), "Last-Modified: x\r\nContent-Encoding: zstd\r\n");
  EXPECT_EQ(coded("Last-Modified: x\r\nAccept-Ranges: bytes\r\nETag: \"a\"\r\n"),
            "Last-Modified: x\r\nETag: W/\"a\"\r\nContent-Encoding: zstd\r\n");
}

bool has_coded(std::vector<std::string_view> none_match, std::string_view lines) {
  std::vector<FieldLine> fields;
  for (const std::string_view value : none_match)
    fields.push_back({FieldId::kOther, "if-none-match", value});
  return has_coded_body(fields, lines);
}

TEST(CodedReply, AClientThatNamesTheWeakTagAloneHasACodedBody) {
  const std::string_view tag = "X: y\r\nETag: \"a\"\r\n";
  EXPECT_TRUE(has_coded({"W/\"a\""}, tag));
  EXPECT_TRUE(has_coded({"\"b\", W/\"a\""}, tag));
  EXPECT_TRUE(has_coded({"\"b\"", "W/\"a\""}, tag));
  EXPECT_FALSE(has_coded({}, tag));
  EXPECT_FALSE(has_coded({"*"}, tag));
  EXPECT_FALSE(has_coded({"\"a\""}, tag));
  EXPECT_FALSE(has_coded({"W/\"a\", \"a\""}, tag)) << "it has both";
  EXPECT_FALSE(has_coded({"W/\"b\""}, tag));
  EXPECT_FALSE(has_coded({"W/\"a\""}, "ETag: W/\"a\"\r\n")) << "weak it is already";
  EXPECT_FALSE(has_coded({"W/\"a\""}, ""));
}

}  // namespace
}  // namespace httpd::http
