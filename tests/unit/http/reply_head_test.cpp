// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/reply_head.h"

#include <gtest/gtest.h>

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
