// Tests of the bodies of errors. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/error_body.h"

#include <gtest/gtest.h>

namespace httpd::http {
namespace {

TEST(ErrorBody, IsALineOfText) {
  EXPECT_EQ(error_body(404, "Not here", false), "Not here\n");
}

TEST(ErrorBody, OrJson) {
  EXPECT_EQ(error_body(404, "Not here", true), "{\"error\":{\"status\":404,\"message\":\"Not here\"}}\n");
  EXPECT_EQ(error_body(400, "a\"b\\c\n", true),
            "{\"error\":{\"status\":400,\"message\":\"a\\\"b\\\\c\\n\"}}\n");
}

}  // namespace
}  // namespace httpd::http
