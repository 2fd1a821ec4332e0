// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/reply_head.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace httpd::http {
namespace {

std::string write(const ReplyHead& head) {
  std::string out = "before ";
  append_reply_head(head, out);
  EXPECT_EQ(out.substr(0, 7), "before ");
  return out.substr(7);
}

TEST(ReplyHead, WholeHead) {
  ReplyHead head;
  head.date = "D";
  head.content_type = "text/plain";
  head.fields = "A: b\r\nC: d\r\n";
  head.length = 18446744073709551615U;
  head.connection = "close";
  EXPECT_EQ(write(head),
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\nA: b\r\nC: d\r\n"
            "Content-Length: 18446744073709551615\r\nConnection: close\r\n\r\n");
}

TEST(ReplyHead, HasRoomForTheLongestOfEverything) {
  ReplyHead head;
  head.status = 431;  // the longest reason phrase
  const std::string date(29, 'd');
  const std::string type(300, 't');
  const std::string fields = "X: " + std::string(70'000, 'f') + "\r\n";
  head.date = date;
  head.content_type = type;
  head.fields = fields;
  head.length = std::numeric_limits<std::uint64_t>::max();
  head.connection = "keep-alive";
  std::string out = "before";
  append_reply_head(head, out);
  EXPECT_EQ(out, "beforeHTTP/1.1 431 Request Header Fields Too Large\r\nDate: " + date +
                     "\r\nContent-Type: " + type + "\r\n" + fields +
                     "Content-Length: 18446744073709551615\r\nConnection: keep-alive\r\n\r\n");
  head.body = ReplyHead::Body::kChunked;
  out.clear();
  append_reply_head(head, out);
  EXPECT_TRUE(out.ends_with("\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(ReplyHead, FramesByBody) {
  ReplyHead head;
  EXPECT_NE(write(head).find("Content-Length: 0\r\n"), std::string::npos);
  head.body = ReplyHead::Body::kChunked;
  EXPECT_NE(write(head).find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(write(head).find("Content-Length"), std::string::npos);
  head.body = ReplyHead::Body::kUntilClose;
  EXPECT_EQ(write(head).find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(write(head).find("Content-Length"), std::string::npos);
}

TEST(ReplyHead, NoLengthWhereNoBodyCanBe) {
  ReplyHead head;
  for (const int status : {204, 304}) {
    head.status = status;
    EXPECT_TRUE(is_bodiless(status));
    EXPECT_EQ(write(head).find("Content-Length"), std::string::npos);
  }
  EXPECT_FALSE(is_bodiless(200));
}

TEST(ChunkHeader, IsHexadecimalAndEndsTheBodyAtZero) {
  std::string out;
  append_chunk_header(0x1f, out);
  append_chunk_header(0, out);
  EXPECT_EQ(out, "1f\r\n0\r\n\r\n");
}

}  // namespace
}  // namespace httpd::http
