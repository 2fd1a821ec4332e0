// Tests of percent-encoding.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/percent.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace httpd::http {
namespace {

std::optional<std::string> decode(std::string_view in, bool plus_is_space = false) {
  std::string out;
  if (!percent_decode(in, out, plus_is_space)) {
    EXPECT_EQ(out, "");
    return std::nullopt;
  }
  return out;
}

TEST(PercentDecode, DecodesEscapesInEitherCase) {
  EXPECT_EQ(decode(""), "");
  EXPECT_EQ(decode("plain"), "plain");
  EXPECT_EQ(decode("%41%7a%2F%2f"), "Az//");
  EXPECT_EQ(decode("%C3%a4"), "\xC3\xA4");
  EXPECT_EQ(decode("%ff%01"), "\xFF\x01");
}

TEST(PercentDecode, DecodesOnceOnly) {
  EXPECT_EQ(decode("%2541"), "%41");
}

TEST(PercentDecode, PlusIsASpaceOnlyWhereAsked) {
  EXPECT_EQ(decode("a+b%2B", false), "a+b+");
  EXPECT_EQ(decode("a+b%2B", true), "a b+");
}

TEST(PercentDecode, MalformedEscapes) {
  for (const std::string_view text :
       {"%", "%4", "a%", "a%4", "%4g", "%g4", "%%41", "%-1", "% 1", "%u0041", "%\xFF!"}) {
    EXPECT_EQ(decode(text), std::nullopt) << text;
  }
}

TEST(PercentDecode, NulInAnyForm) {
  EXPECT_EQ(decode("a%00b"), std::nullopt);
  EXPECT_EQ(decode(std::string_view("a\0b", 3)), std::nullopt);
}

TEST(PercentDecode, AppendsAndLeavesTheRestAloneWhenItFails) {
  std::string out = "before ";
  EXPECT_TRUE(percent_decode("%61b", out, false));
  EXPECT_EQ(out, "before ab");
  EXPECT_FALSE(percent_decode("cd%zz", out, false));
  EXPECT_EQ(out, "before ab");
}

TEST(IsEscapedText, CharactersOfTheClassAndWholeEscapes) {
  EXPECT_TRUE(is_escaped_text("", CharClass::kPath));
  EXPECT_TRUE(is_escaped_text("/a%20b%Ff", CharClass::kPath));
  EXPECT_FALSE(is_escaped_text("/a?", CharClass::kPath));
  EXPECT_TRUE(is_escaped_text("/a?", CharClass::kQuery));
  for (const std::string_view text : {"%", "%a", "%ag", "a%4", "a b", "\x7f", "\x80", "#"}) {
    EXPECT_FALSE(is_escaped_text(text, CharClass::kQuery)) << text;
  }
}

}  // namespace
}  // namespace httpd::http
