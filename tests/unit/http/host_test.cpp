// Tests of hosts and ports.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/host.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

TEST(ParseHost, ValidHostsAreTaken) {
  for (const std::string_view text : {"localhost",
                                      "a",
                                      "example.com",
                                      "example.com.",
                                      "EXAMPLE.com:8888",
                                      "a_b~c!$&'()*+,;=",
                                      "a%20b",
                                      "999.999.999.999",
                                      "127.0.0.1",
                                      "127.0.0.1:80",
                                      "h:",
                                      "h:0",
                                      "h:65535",
                                      "h:00080",
                                      "[::]",
                                      "[::1]",
                                      "[::1]:8888",
                                      "[::1]:",
                                      "[1:2:3:4:5:6:7:8]",
                                      "[1::]",
                                      "[1::8]",
                                      "[1:2:3:4:5:6:7::]",
                                      "[::2:3:4:5:6:7:8]",
                                      "[1::3:4:5:6:7:8]",
                                      "[2001:DB8::abCD]",
                                      "[::ffff:192.0.2.1]",
                                      "[1:2:3:4:5:6:192.0.2.255]",
                                      "[::1.2.3.4]",
                                      "[1:2:3:4:5::1.2.3.4]",
                                      "[v1.a]",
                                      "[V1F.a:b~!]:80"}) {
    EXPECT_TRUE(is_valid_host(text)) << text;
  }
}

TEST(ParseHost, InvalidHostsAreRefused) {
  for (const std::string_view text : {"",
                                      ":",
                                      ":80",
                                      "a b",
                                      " a",
                                      "a ",
                                      "a/b",
                                      "a?b",
                                      "a#b",
                                      "a@b",
                                      "user:pw@host",
                                      "a\\b",
                                      "a\"",
                                      "a<",
                                      "a|b",
                                      "a%",
                                      "a%2",
                                      "a%2g",
                                      "h\xC3\xA4",
                                      "a\tb",
                                      "a\r\n",
                                      "a,b:80,c",
                                      "h:80:80",
                                      "h:65536",
                                      "h:99999999999999999999",
                                      "h:-1",
                                      "h:+1",
                                      "h: 80",
                                      "h:8a",
                                      "h:80/"}) {
    EXPECT_FALSE(is_valid_host(text)) << text;
  }
}

TEST(ParseHost, InvalidLiteralsAreRefused) {
  for (const std::string_view text : {"[",
                                      "[]",
                                      "]",
                                      "[::1",
                                      "::1",
                                      "[::1]]",
                                      "[::1]80",
                                      "[::1]a",
                                      "a[::1]",
                                      "[[::1]]",
                                      "[:]",
                                      "[:::]",
                                      "[:1]",
                                      "[1:]",
                                      "[1:2:3:4:5:6:7]",
                                      "[1:2:3:4:5:6:7:8:9]",
                                      "[1:2:3:4:5:6:7:]",
                                      "[:1:2:3:4:5:6:7]",
                                      "[1::3::5]",
                                      "[1:2:3:4::5:6:7:8]",
                                      "[12345::]",
                                      "[g::]",
                                      "[::1%25eth0]",
                                      "[::1%eth0]",
                                      "[127.0.0.1]",
                                      "[::256.0.0.1]",
                                      "[::1.2.3]",
                                      "[::1.2.3.4.5]",
                                      "[::01.2.3.4]",
                                      "[::1.2.3.4:5]",
                                      "[1.2.3.4::]",
                                      "[1:2:3:4:5:6:7:1.2.3.4]",
                                      "[::2:3:4:5:6:7:1.2.3.4]",
                                      "[::1.2.3.]",
                                      "[::1..3.4]",
                                      "[::1.2.3.1000]",
                                      "[ ::1]",
                                      "[v.a]",
                                      "[v1.]",
                                      "[v1]",
                                      "[vg.a]",
                                      "[v1.a/b]",
                                      "[v1.a%20]",
                                      "[v1.[]"}) {
    EXPECT_FALSE(is_valid_host(text)) << text;
  }
}

TEST(ParseHost, NulIsRefused) {
  EXPECT_FALSE(is_valid_host(std::string_view("a\0b", 3)));
}

TEST(ParseHost, SplitsHostAndPort) {
  const auto name = parse_host("example.com:8888");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "example.com");
  EXPECT_EQ(name->port, 8888);
  const auto literal = parse_host("[::1]:0");
  ASSERT_TRUE(literal);
  EXPECT_EQ(literal->host, "[::1]");
  EXPECT_EQ(literal->port, 0);
}

TEST(ParseHost, NoPortIsNotPortZero) {
  ASSERT_TRUE(parse_host("h"));
  EXPECT_EQ(parse_host("h")->port, -1);
  ASSERT_TRUE(parse_host("h:"));
  EXPECT_EQ(parse_host("h:")->port, -1);
}

TEST(ParseHost, LongTextEndsSoon) {
  EXPECT_FALSE(is_valid_host("[" + std::string(1 << 20, ':') + "]"));
  EXPECT_FALSE(is_valid_host("h:" + std::string(1 << 20, '9')));
  EXPECT_TRUE(is_valid_host("h:" + std::string(1 << 20, '0')));
}

}  // namespace
}  // namespace httpd::http
