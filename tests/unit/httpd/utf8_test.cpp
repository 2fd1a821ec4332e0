// Tests of the UTF-8 check: all code points, and the ill-formed sequences that RFC 3629 warns of.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdint>
#include <gtest/gtest.h>
#include <string>

#include <httpd/utf8.h>

namespace httpd {
namespace {

/// The general scheme of RFC 3629 section 3 with a chosen length, so that overlong forms can be made too.
std::string encode(std::uint32_t code_point, int length) {
  if (length == 1) return {static_cast<char>(code_point)};
  std::string out;
  const std::uint32_t lead = (0xF00U >> static_cast<unsigned>(length)) & 0xFFU;
  for (int i = length - 1; i >= 0; --i) {
    const std::uint32_t bits = code_point >> (6U * static_cast<unsigned>(i));
    out += static_cast<char>(i == length - 1 ? (lead | bits) : (0x80U | (bits & 0x3FU)));
  }
  return out;
}

int shortest_length(std::uint32_t code_point) {
  if (code_point < 0x80) return 1;
  if (code_point < 0x800) return 2;
  return code_point < 0x10000 ? 3 : 4;
}

TEST(Utf8, EveryCodePointInItsShortestForm) {
  for (std::uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const int length = shortest_length(code_point);
    const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    const std::string text = encode(code_point, length) + "\x80";
    ASSERT_EQ(utf8_length(text), is_surrogate ? 0U : static_cast<std::size_t>(length)) << code_point;
  }
}

TEST(Utf8, OverlongFormsAreRefused) {
  for (std::uint32_t code_point = 0; code_point < 0x10000; ++code_point) {
    for (int length = shortest_length(code_point) + 1; length <= 4; ++length) {
      ASSERT_EQ(utf8_length(encode(code_point, length)), 0U) << code_point << " in " << length << " bytes";
    }
  }
}

TEST(Utf8, CodePointsAboveTheLastAreRefused) {
  EXPECT_EQ(utf8_length(encode(0x10FFFF, 4)), 4U);
  EXPECT_EQ(utf8_length(encode(0x110000, 4)), 0U);
  EXPECT_EQ(utf8_length(encode(0x1FFFFF, 4)), 0U);
}

TEST(Utf8, BytesThatBeginNoSequence) {
  EXPECT_EQ(utf8_length(""), 0U);
  for (const int lead : {0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xF8, 0xFC, 0xFE, 0xFF}) {
    EXPECT_EQ(utf8_length(std::string{static_cast<char>(lead)} + "\x80\x80\x80\x80\x80"), 0U) << lead;
  }
}

TEST(Utf8, SequencesCutShortAreRefused) {
  for (const std::uint32_t code_point : {0xE9U, 0x20ACU, 0x1F600U}) {
    const std::string whole = encode(code_point, shortest_length(code_point));
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_EQ(utf8_length(whole.substr(0, size)), 0U);
      EXPECT_EQ(utf8_length(whole.substr(0, size) + std::string(4, 'a')), 0U);
    }
  }
}

TEST(Utf8, ControlCharacters) {
  for (std::uint32_t code_point = 0; code_point < 0x900; ++code_point) {
    const bool expected = code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
    EXPECT_EQ(is_utf8_control(encode(code_point, shortest_length(code_point))), expected) << code_point;
  }
}

}  // namespace
}  // namespace httpd
