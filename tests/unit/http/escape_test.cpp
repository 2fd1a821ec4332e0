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

TEST(EscapeJson, SeparatorsOfLinesAreEscaped) {
  EXPECT_EQ(escape_json("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xA7"), "\\u2028\\u2029\xE2\x80\xA7");
}

TEST(Append, SaysWhatTheOthersReturn) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string text{'a', static_cast<char>(first), static_cast<char>(second), 'z'};
      std::string log = "x";
      std::string json = "x";
      append_for_log(text, 100, log);
      append_json(text, 100, json);
      ASSERT_EQ(log, "x" + escape_for_log(text));
      ASSERT_EQ(json, "x" + escape_json(text));
    }
}

TEST(Append, CutsNoEscapeAndNoSequence) {
  const auto in_log = [](std::string_view text, std::size_t max_bytes) {
    std::string out;
    append_for_log(text, max_bytes, out);
    return out;
  };
  const auto in_json = [](std::string_view text, std::size_t max_bytes) {
    std::string out;
    append_json(text, max_bytes, out);
    return out;
  };
  EXPECT_EQ(in_log("abc", 3), "abc");
  EXPECT_EQ(in_log("abcd", 3), "abc...");
  EXPECT_EQ(in_log("a\nb", 4), "a...");
  EXPECT_EQ(in_log("a\nb", 5), "a\\x0a...");
  EXPECT_EQ(in_log("a\n", 5), "a\\x0a");
  EXPECT_EQ(in_log("a", 0), "...");
  EXPECT_EQ(in_log("", 0), "");
  EXPECT_EQ(in_json("a\xC3\xA9", 2), "a...");
  EXPECT_EQ(in_json("a\xC3\xA9", 3), "a\xC3\xA9");
  EXPECT_EQ(in_json("\xFF\xFF", 11), "\\ufffd...");
  EXPECT_EQ(in_json("\"", 1), "...");
}

}  // namespace
}  // namespace httpd::http
