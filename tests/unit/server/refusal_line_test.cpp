// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/refusal_line.h"

#include <gtest/gtest.h>

namespace httpd::server {
namespace {

using http::Refusal;

TEST(RefusalLine, SaysWhoWasRefusedWhatAndWhichLimitToMove) {
  EXPECT_EQ(
      refusal_line(Refusal::kQueueFull, "192.0.2.1:80", "GET /a HTTP/1.1", "a"),
      "192.0.2.1:80: 503 All handlers are busy, and too many requests wait; request \"GET /a HTTP/1.1\" "
      "to root a; parameter max_queue of module httpd moves this limit");
}

TEST(RefusalLine, LeavesOutWhatThereIsNot) {
  EXPECT_EQ(refusal_line(Refusal::kHandlerDied, "unix", "", ""),
            "unix: 502 The handler's process ended before it answered");
}

TEST(RefusalLine, NamesTheParametersForCredentials) {
  EXPECT_EQ(refusal_line(Refusal::kNoCredentials, "c", "GET / HTTP/1.1", ""),
            "c: 401 Credentials are needed; request \"GET / HTTP/1.1\"; parameters auth_username, "
            "auth_file and auth_token_file of module httpd say who may");
}

TEST(RefusalLine, SaysWhatOfTheRequestIsTheReason) {
  EXPECT_EQ(
      refusal_line(Refusal::kForeignOrigin, "c", "POST /mi HTTP/1.1", "", "origin \"x\""),
      "c: 403 Pages of this origin have no access; request \"POST /mi HTTP/1.1\"; origin \"x\"; parameter "
      "access of module httpd says who may");
  EXPECT_EQ(
      refusal_line(Refusal::kUnknownHost, "c", "", ""),
      "c: 421 This server is not known by this name; parameter allowed_hosts of module httpd says who may");
  EXPECT_EQ(
      refusal_line(Refusal::kTwoForwarded, "c", "", ""),
      "c: 400 There are Forwarded and X-Forwarded-For; parameter forwarded_header of module httpd says what "
      "is read");
}

TEST(RefusalLine, SaysSoWhenTlsCameToAPlainListener) {
  const std::string hello("\x16\x03\x01\x02\x00\x01", 6);
  EXPECT_EQ(
      refusal_line(Refusal::kMalformedRequestLine, "c", hello, ""),
      "c: 400 The request line is malformed; it is a TLS handshake, and this listener speaks plain HTTP: "
      "begin its listen line with https://, or the client's URL with http://");
  EXPECT_EQ(refusal_line(Refusal::kMalformedRequestLine, "c", "\x16G", ""),
            "c: 400 The request line is malformed; request \"\\x16G\"");
  const std::string other_message("\x16\x03\x01\x02\x00\x02", 6);
  EXPECT_EQ(refusal_line(Refusal::kMalformedRequestLine, "c", other_message, ""),
            "c: 400 The request line is malformed; request \"\\x16\\x03\\x01\\x02\\x00\\x02\"");
}

TEST(RefusalLine, EscapesWhatTheClientSent) {
  const std::string line =
      refusal_line(Refusal::kMalformedRequestLine, "c", "GET /\r\nforged: \x1b[2J\"", "");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace httpd::server
