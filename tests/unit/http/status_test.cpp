// Tests of the reason phrases.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/status.h"

#include <climits>
#include <gtest/gtest.h>

namespace httpd::http {
namespace {

TEST(Status, RegisteredNames) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(202), "Accepted");
  EXPECT_EQ(reason_phrase(204), "No Content");
  EXPECT_EQ(reason_phrase(304), "Not Modified");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Content");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(501), "Not Implemented");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
}

TEST(Status, OtherNumbersAreUnknown) {
  for (const int status : {INT_MIN, -1, 0, 99, 199, 306, 418, 499, 509, 512, 600, INT_MAX}) {
    EXPECT_EQ(reason_phrase(status), "Unknown") << status;
  }
}

TEST(Status, CountOfRegisteredCodes) {
  int known = 0;
  for (int status = 0; status < 1000; ++status)
    known += reason_phrase(status) == "Unknown" ? 0 : 1;
  EXPECT_EQ(known, 61);
}

}  // namespace
}  // namespace httpd::http
