// Heads of requests for tests. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <string_view>

#include "http/parser.h"

namespace httpd::server {

/// "METHOD TARGET" with these field lines.
class TestHead {
 public:
  TestHead(std::string_view begin, std::initializer_list<std::string_view> fields,
           std::string_view host = "a.example") {
    std::string text = std::string(begin) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n";
    for (const std::string_view field : fields)
      text += std::string(field) + "\r\n";
    EXPECT_EQ(parser_.parse_head(text + "\r\n"), http::RequestParser::State::kComplete) << text;
  }
  [[nodiscard]] const http::RequestHead& head() const noexcept { return parser_.head(); }

 private:
  http::Limits limits_;
  http::RequestParser parser_{limits_};
};

}  // namespace httpd::server
