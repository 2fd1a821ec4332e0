// Tests of the character classes against the RFCs' lists, written out.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/characters.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

const std::string kAlphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

template <typename Predicate>
std::string members(Predicate predicate) {
  std::string found;
  for (int c = 0; c < 256; ++c) {
    if (predicate(static_cast<char>(c))) found += static_cast<char>(c);
  }
  return found;
}

std::string sorted_set(std::string_view characters) {
  return members([characters](char c) { return characters.find(c) != std::string_view::npos; });
}

std::string class_members(CharClass set) {
  return members([set](char c) { return in_class(c, set); });
}

TEST(Characters, TcharIsTheListOfRfc9110) {
  EXPECT_EQ(members(is_tchar), sorted_set(kAlphanumerics + "!#$%&'*+-.^_`|~"));
}

TEST(Characters, FieldVcharIsVisibleOrAboveAscii) {
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(is_field_vchar(static_cast<char>(c)), c > 0x20 && c != 0x7F) << c;
  }
}

TEST(Characters, AFieldValueHasNoControlCharacterWhereverItStands) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 15U, 16U, 17U, 31U})
    for (std::size_t at = 0; at <= size; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'x');
        if (at < size) text[at] = static_cast<char>(byte);
        // What borrows from its neighbour when eight bytes are looked at together.
        if (at + 1 < size) text[at + 1] = byte % 2 == 0 ? '\x80' : '!';
        const bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7F) || at == size;
        ASSERT_EQ(is_field_value(text), good) << size << ' ' << at << ' ' << byte;
      }
}

TEST(Characters, UriClassesAreTheListsOfRfc3986) {
  const std::string reg_name = kAlphanumerics + "-._~!$&'()*+,;=";
  EXPECT_EQ(class_members(CharClass::kHost), sorted_set(reg_name));
  EXPECT_EQ(class_members(CharClass::kPath), sorted_set(reg_name + ":@/"));
  EXPECT_EQ(class_members(CharClass::kQuery), sorted_set(reg_name + ":@/?[]"));
}

TEST(Characters, BoundaryClassIsTheListOfRfc2046) {
  EXPECT_EQ(class_members(CharClass::kBoundary), sorted_set(kAlphanumerics + "'()+_,-./:=?"));
}

TEST(Characters, Digits) {
  EXPECT_EQ(members(is_digit), "0123456789");
}

TEST(Characters, Blanks) {
  EXPECT_EQ(members(is_blank), "\t ");
}

TEST(Characters, HexValueOfEveryByte) {
  for (int c = 0; c < 256; ++c) {
    int expected = -1;
    if (c >= '0' && c <= '9') expected = c - '0';
    if (c >= 'a' && c <= 'f') expected = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') expected = c - 'A' + 10;
    EXPECT_EQ(hex_value(static_cast<char>(c)), expected) << c;
  }
}

TEST(Characters, ToLowerChangesAsciiCapitalsOnly) {
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(to_lower(static_cast<char>(c)), static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c)) << c;
  }
}

TEST(Characters, IequalsIgnoresTheCaseOfAsciiLetters) {
  EXPECT_TRUE(iequals("", ""));
  EXPECT_TRUE(iequals("Content-LENGTH", "content-length"));
  EXPECT_FALSE(iequals("host", "hos"));
  EXPECT_FALSE(iequals("host", "hosu"));
  EXPECT_FALSE(iequals("@[`{", "`{@["));
  EXPECT_FALSE(iequals("\xC4", "\xE4"));
}

TEST(Characters, TrimOwsTakesSpacesAndTabsOff) {
  EXPECT_EQ(trim_ows(" \t a b\t "), "a b");
  EXPECT_EQ(trim_ows("a"), "a");
  EXPECT_EQ(trim_ows(" \t "), "");
  EXPECT_EQ(trim_ows(""), "");
  EXPECT_EQ(trim_ows("\ra\n"), "\ra\n");
}

TEST(Characters, TokenIsNotEmptyAndHasNoDelimiter) {
  EXPECT_TRUE(is_token("x-Y_1!"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a:"));
  EXPECT_FALSE(is_token("\xE4"));
  EXPECT_FALSE(is_token(std::string_view("a\0", 2)));
}

}  // namespace
}  // namespace httpd::http
