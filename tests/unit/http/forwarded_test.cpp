// Tests of what proxies say. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/forwarded.h"

#include <gtest/gtest.h>

namespace httpd::http {
namespace {

/// "ip|port" of each node, "!" when the value is malformed.
std::string read(bool (*parse)(std::string_view, std::vector<ForwardedNode>&), std::string_view value) {
  std::vector<ForwardedNode> nodes;
  if (!parse(value, nodes)) return "!";
  std::string text;
  for (const ForwardedNode& node : nodes)
    text += (text.empty() ? "" : " ") + node.ip + "|" + std::to_string(node.port);
  return text;
}
std::string forwarded(std::string_view value) {
  return read(parse_forwarded, value);
}
std::string x_forwarded_for(std::string_view value) {
  return read(parse_x_forwarded_for, value);
}

TEST(ForwardedTest, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(forwarded("for=\"_gazonk\""), "|0");
  EXPECT_EQ(forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17|4711");
  EXPECT_EQ(forwarded("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60|0");
  EXPECT_EQ(forwarded("for=192.0.2.43, for=198.51.100.17"), "192.0.2.43|0 198.51.100.17|0");
  EXPECT_EQ(forwarded("for=192.0.2.43, for=\"[2001:db8:cafe::17]\", for=unknown"),
            "192.0.2.43|0 2001:db8:cafe::17|0 |0");
}

TEST(ForwardedTest, ReadsWhatElseTheGrammarAllows) {
  EXPECT_EQ(forwarded(""), "");
  EXPECT_EQ(forwarded(" , ,for=192.0.2.1 ,"), "192.0.2.1|0");
  EXPECT_EQ(forwarded("proto=https"), "|0") << "an element without for= has nobody's address";
  EXPECT_EQ(forwarded(";for=192.0.2.1;;"), "192.0.2.1|0");
  EXPECT_EQ(forwarded("for=\"192.0.2.1:_port\""), "192.0.2.1|0");
  EXPECT_EQ(forwarded(R"(for="192.0.2.1";x="a,b;for=6.6.6.6\"")"), "192.0.2.1|0");
  EXPECT_EQ(forwarded("for=\"UNKNOWN:80\""), "|0");
}

TEST(ForwardedTest, RefusesEverythingElse) {
  for (const char* const value : {"for",
                                  "for=",
                                  "=x",
                                  "for=192.0.2.1 for=192.0.2.2",
                                  "for=192.0.2.1;for=192.0.2.2",
                                  "for=\"192.0.2.1",
                                  "for=\"192.0.2.1\"x",
                                  "for=192.0.2.1:80",
                                  "for=[::1]",
                                  "for=\"[::1\"",
                                  "for=\"[::1]x\"",
                                  "for=\"\"",
                                  "for=\"192.0.2.1:65536\"",
                                  "for=\"192.0.2.1:\"",
                                  "for=\"a\\",
                                  "for=\"[::1%eth0]\"",
                                  "for=host.example",
                                  "f or=1.2.3.4",
                                  "for =1.2.3.4",
                                  "for=1.2.3.4\x01"})
    EXPECT_EQ(forwarded(value), "!") << value;
}

TEST(ForwardedTest, AQuoteThatAClientLeftOpenTakesNothingAway) {
  // A proxy appends its element to whatever came: all of it is refused then.
  EXPECT_EQ(forwarded("for=6.6.6.6;x=\", for=192.0.2.1"), "!");
  EXPECT_EQ(forwarded("for=6.6.6.6;x=\", for=\"[2001:db8::1]\""), "!");
}

TEST(XForwardedForTest, ReadsAddressesInEveryDress) {
  EXPECT_EQ(x_forwarded_for("192.0.2.1"), "192.0.2.1|0");
  EXPECT_EQ(x_forwarded_for("192.0.2.1:4711, 2001:db8::1,[2001:db8::2] ,[2001:db8::3]:80"),
            "192.0.2.1|4711 2001:db8::1|0 2001:db8::2|0 2001:db8::3|80");
  EXPECT_EQ(x_forwarded_for("unknown, , 192.0.2.1"), "|0 192.0.2.1|0");
  EXPECT_EQ(x_forwarded_for(""), "");
}

TEST(XForwardedForTest, RefusesEverythingElse) {
  for (const char* const value : {"host.example", "192.0.2.1 192.0.2.2", "192.0.2.1:", "192.0.2.1:x", "[::1",
                                  "\"192.0.2.1\"", "for=192.0.2.1", "fe80::1%eth0", "[]", ":80"})
    EXPECT_EQ(x_forwarded_for(value), "!") << value;
}

}  // namespace
}  // namespace httpd::http
