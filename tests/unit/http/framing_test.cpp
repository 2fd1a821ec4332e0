// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/framing.h"

#include <gtest/gtest.h>
#include <vector>

namespace httpd::http {
namespace {

const FieldLine kHost{FieldId::kHost, "Host", "a"};
FieldLine length(std::string_view value) {
  return {FieldId::kContentLength, "Content-Length", value};
}
FieldLine coding(std::string_view value) {
  return {FieldId::kTransferEncoding, "Transfer-Encoding", value};
}
FieldLine connection(std::string_view value) {
  return {FieldId::kConnection, "Connection", value};
}

Refusal read(std::vector<FieldLine> fields, Framing& framing, bool http_1_0 = false) {
  return read_framing(fields, http_1_0, framing);
}
Refusal read(std::vector<FieldLine> fields, bool http_1_0 = false) {
  Framing framing;
  return read_framing(fields, http_1_0, framing);
}

TEST(Framing, NoBodyWithoutLengthOrCoding) {
  Framing framing;
  ASSERT_EQ(read({kHost}, framing), Refusal::kNone);
  EXPECT_EQ(framing.body, Framing::Body::kNone);
  ASSERT_EQ(read({kHost, length("0")}, framing), Refusal::kNone);
  EXPECT_EQ(framing.body, Framing::Body::kNone);
}

TEST(Framing, ContentLengthIsDigitsOnce) {
  Framing framing;
  ASSERT_EQ(read({kHost, length("18446744073709551615")}, framing), Refusal::kNone);
  EXPECT_EQ(framing.body, Framing::Body::kLength);
  EXPECT_EQ(framing.length, UINT64_MAX);
  for (const std::string_view bad :
       {"", "-1", "+1", "1 ", "0x10", "1,1", "1, 1", "18446744073709551616", "1e3", "one"})
    EXPECT_EQ(read({kHost, length(bad)}), Refusal::kInvalidContentLength) << bad;
  EXPECT_EQ(read({kHost, length("5"), length("5")}), Refusal::kInvalidContentLength);
  EXPECT_EQ(read({kHost, length("5"), length("6")}), Refusal::kInvalidContentLength);
}

TEST(Framing, OnlyChunkedAloneOn11) {
  Framing framing;
  ASSERT_EQ(read({kHost, coding("chunked")}, framing), Refusal::kNone);
  EXPECT_EQ(framing.body, Framing::Body::kChunked);
  EXPECT_EQ(read({kHost, coding("Chunked")}), Refusal::kNone);
  for (const std::string_view unknown : {"gzip, chunked", "gzip,deflate , Chunked", "identity, chunked"})
    EXPECT_EQ(read({kHost, coding(unknown)}), Refusal::kUnknownTransferCoding) << unknown;
  // RFC 9112 section 6.3: where chunked is not the last, nobody can tell how long the message is.
  for (const std::string_view bad :
       {"", "chunked, identity", "chunked, chunked", "chunked,", ",chunked", "chunked, gzip", "xchunked",
        "identity", "gzip", "gzip, chunked, gzip", "chunked, gzip, chunked", "chunked;q=1", "\"chunked\""})
    EXPECT_EQ(read({kHost, coding(bad)}), Refusal::kInvalidTransferEncoding) << bad;
  EXPECT_EQ(read({kHost, coding("chunked"), coding("chunked")}), Refusal::kInvalidTransferEncoding);
  EXPECT_EQ(read({kHost, coding("chunked")}, true), Refusal::kInvalidTransferEncoding);
  EXPECT_EQ(read({kHost, coding("chunked"), length("5")}), Refusal::kConflictingLengths);
  EXPECT_EQ(read({kHost, length("0"), coding("chunked")}), Refusal::kConflictingLengths);
}

TEST(Framing, ContentTypeOnce) {
  const FieldLine type{FieldId::kContentType, "Content-Type", "text/plain"};
  EXPECT_EQ(read({kHost, type}), Refusal::kNone);
  EXPECT_EQ(read({kHost, type, type}), Refusal::kRepeatedField);
}

TEST(Framing, HostOnceAndValidOn11) {
  EXPECT_EQ(read({}), Refusal::kMissingHost);
  EXPECT_EQ(read({}, true), Refusal::kNone);
  EXPECT_EQ(read({kHost, kHost}), Refusal::kInvalidHost);
  EXPECT_EQ(read({kHost, kHost}, true), Refusal::kInvalidHost);
  for (const std::string_view bad : {"", "a b", "a,b", "a/b", "u@a", "a:b", "[::1", "a:99999"})
    EXPECT_EQ(read({{FieldId::kHost, "Host", bad}}), Refusal::kInvalidHost) << bad;
  for (const std::string_view good : {"a", "a.example:80", "127.0.0.1", "[::1]:8888", "a:"})
    EXPECT_EQ(read({{FieldId::kHost, "Host", good}}), Refusal::kNone) << good;
}

TEST(Framing, KeepAliveByVersionAndConnection) {
  const auto keeps = [](std::vector<FieldLine> fields, bool http_1_0) {
    Framing framing;
    fields.push_back(kHost);
    EXPECT_EQ(read_framing(fields, http_1_0, framing), Refusal::kNone);
    return framing.keep_alive;
  };
  EXPECT_TRUE(keeps({}, false));
  EXPECT_FALSE(keeps({}, true));
  EXPECT_FALSE(keeps({connection("close")}, false));
  EXPECT_FALSE(keeps({connection("x, CLOSE ,y")}, false));
  EXPECT_TRUE(keeps({connection("Keep-Alive")}, true));
  EXPECT_FALSE(keeps({connection("keep-alive, close")}, true));
  EXPECT_FALSE(keeps({connection("keep-alive"), connection("close")}, false));
  EXPECT_TRUE(keeps({connection("closed")}, false));
}

TEST(Framing, Expectations) {
  const FieldLine expect{FieldId::kExpect, "Expect", "100-Continue"};
  Framing framing;
  ASSERT_EQ(read({kHost, length("5"), expect}, framing), Refusal::kNone);
  EXPECT_TRUE(framing.expects_continue);
  ASSERT_EQ(read({kHost, expect}, framing), Refusal::kNone);
  EXPECT_FALSE(framing.expects_continue) << "there is no body to wait for";
  ASSERT_EQ(read({length("5"), expect}, framing, true), Refusal::kNone);
  EXPECT_FALSE(framing.expects_continue) << "HTTP/1.0 does not know it";
  ASSERT_EQ(read({kHost, {FieldId::kExpect, "Expect", "tea"}}, framing), Refusal::kNone);
  EXPECT_TRUE(framing.unknown_expectation);
  ASSERT_EQ(read({kHost, length("5"), {FieldId::kExpect, "Expect", ", 100-continue ,"}}, framing),
            Refusal::kNone);
  EXPECT_TRUE(framing.expects_continue) << "empty elements of a list are ignored";
  EXPECT_FALSE(framing.unknown_expectation);
  ASSERT_EQ(read({kHost, length("5"), {FieldId::kExpect, "Expect", "100-continue, tea"}}, framing),
            Refusal::kNone);
  EXPECT_TRUE(framing.unknown_expectation);
}

}  // namespace
}  // namespace httpd::http
