// Tests of the origins of pages. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/origin.h"

#include <gtest/gtest.h>

namespace httpd::http {
namespace {

TEST(OriginTest, HasSchemeHostAndPort) {
  const auto origin = parse_origin("https://[2001:db8::1]:8443");
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->scheme, "https");
  EXPECT_EQ(origin->host, "[2001:db8::1]");
  EXPECT_EQ(origin->port, 8443);
  EXPECT_EQ(parse_origin("http://a.example")->port, 80);
  EXPECT_EQ(parse_origin("HTTPS://a.example")->port, 443);
  EXPECT_EQ(parse_origin("chrome-extension://abcdef")->port, -1);
}

TEST(OriginTest, RefusesEverythingElse) {
  for (const char* const text :
       {"", "null", "a.example", "//a.example", "http://", "http://a.example/", "http://a.example/x",
        "http://u@a.example", "http://a.example:", "http://a.example:x", "http://a.example:65536",
        "http://a.example http://b.example", "1http://a.example", "http:/a.example", "http://a.example?x"})
    EXPECT_FALSE(parse_origin(text)) << text;
}

bool own(const char* origin, const char* authority, bool tls) {
  return is_origin_of(*parse_origin(origin), authority, tls);
}

TEST(OriginTest, IsThatOfTheServersOwnPages) {
  EXPECT_TRUE(own("http://a.example", "a.example", false));
  EXPECT_TRUE(own("http://A.example:80", "a.EXAMPLE", false));
  EXPECT_TRUE(own("http://a.example:8888", "a.example:8888", false));
  EXPECT_TRUE(own("https://a.example", "a.example:443", true));
  EXPECT_TRUE(own("https://a.example", "a.example", false)) << "a proxy has taken TLS off";
  EXPECT_TRUE(own("http://[::1]:8888", "[::1]:8888", false));
}

TEST(OriginTest, IsNotThatOfAnother) {
  EXPECT_FALSE(own("http://b.example", "a.example", false));
  EXPECT_FALSE(own("http://a.example:8080", "a.example", false));
  EXPECT_FALSE(own("http://a.example", "a.example:8080", false));
  EXPECT_FALSE(own("http://a.example", "a.example", true)) << "a page in clear is not one of https";
  EXPECT_FALSE(own("ftp://a.example", "a.example", false));
  EXPECT_FALSE(own("http://a.example.evil", "a.example", false));
  EXPECT_FALSE(own("http://a.example", "", false));
}

TEST(OriginTest, SameIsSchemeHostAndPort) {
  EXPECT_TRUE(same_origin(*parse_origin("https://a.example"), *parse_origin("HTTPS://A.EXAMPLE:443")));
  EXPECT_FALSE(same_origin(*parse_origin("https://a.example"), *parse_origin("http://a.example:443")));
  EXPECT_FALSE(same_origin(*parse_origin("https://a.example"), *parse_origin("https://a.example:444")));
}

}  // namespace
}  // namespace httpd::http
