// Tests of escaping for log lines and JSON strings.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/escape.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

TEST(EscapeForLog, PrintableAsciiStays) {
  EXPECT_EQ(escape_for_log(""), "");
  EXPECT_EQ(escape_for_log(" !aZ09~'&<>%"), " !aZ09~'&<>%");
}

TEST(EscapeForLog, QuotesAndBackslashesGetABackslash) {
  EXPECT_EQ(escape_for_log(R"(a"b\c)"), R"(a\"b\\c)");
}

TEST(EscapeForLog, EveryOtherByteBecomesHex) {
  EXPECT_EQ(escape_for_log(std::string_view("\0\r\n\t\x1b[2J", 8)), R"(\x00\x0d\x0a\x09\x1b[2J)");
  EXPECT_EQ(escape_for_log("\x7f\x80\xff"), R"(\x7f\x80\xff)");
}

TEST(EscapeForLog, CutsAfterTheLimitOfInput) {
  EXPECT_EQ(escape_for_log("abcd", 4), "abcd");
  EXPECT_EQ(escape_for_log("abcde", 4), "abcd...");
  EXPECT_EQ(escape_for_log("\n\n\n", 2), R"(\x0a\x0a...)");
  EXPECT_EQ(escape_for_log("a", 0), "...");
  EXPECT_EQ(escape_for_log("", 0), "");
}

TEST(EscapeForLog, TheUsualLimitIs256) {
  EXPECT_EQ(escape_for_log(std::string(256, 'a')), std::string(256, 'a'));
  EXPECT_EQ(escape_for_log(std::string(257, 'a')), std::string(256, 'a') + "...");
}

TEST(EscapeJson, TextStays) {
  EXPECT_EQ(escape_json(""), "");
  EXPECT_EQ(escape_json("a /~ \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "a /~ \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST(EscapeJson, ControlCharactersAreEscaped) {
  EXPECT_EQ(escape_json("\"\\\b\f\n\r\t"), R"(\"\\\b\f\n\r\t)");
  EXPECT_EQ(escape_json(std::string_view("\0\x01\x1f\x7f", 4)), R"(\u0000\u0001\u001f\u007f)");
  EXPECT_EQ(escape_json("\xC2\x80\xC2\x9F\xC2\xA0"), "\\u0080\\u009f\xC2\xA0");
}

TEST(EscapeJson, EachInvalidByteBecomesTheReplacementCharacter) {
  EXPECT_EQ(escape_json("a\xFF"
                        "b"),
            R"(a\ufffdb)");
  EXPECT_EQ(escape_json("\xC0\xAF"), R"(\ufffd\ufffd)");
  EXPECT_EQ(escape_json("\xED\xA0\x80"), R"(\ufffd\ufffd\ufffd)");
  EXPECT_EQ(escape_json("\xE2\x82"), R"(\ufffd\ufffd)");
  EXPECT_EQ(escape_json("\xE2\x82\""), R"(\ufffd\ufffd\")");
}

}  // namespace
}  // namespace httpd::http
