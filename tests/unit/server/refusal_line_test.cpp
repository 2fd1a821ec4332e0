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
  EXPECT_EQ(
      refusal_line(Refusal::kNoCredentials, "c", "GET / HTTP/1.1", ""),
      "c: 401 A user name and a password are needed; request \"GET / HTTP/1.1\"; parameters auth_username "
      "and auth_password of module httpd say who may");
}

TEST(RefusalLine, EscapesWhatTheClientSent) {
  const std::string line =
      refusal_line(Refusal::kMalformedRequestLine, "c", "GET /\r\nforged: \x1b[2J\"", "");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace httpd::server
