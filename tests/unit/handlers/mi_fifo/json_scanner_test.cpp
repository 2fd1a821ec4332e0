// Tests of finding the end of a JSON text, whole and in fragments.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/json_scanner.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace httpd::mi_fifo {
namespace {

/// The part of `text` that the scanner takes when it comes in fragments of `size`; "…" is put behind when the
/// end was not found.
std::string scan(std::string_view text, std::size_t size) {
  JsonScanner scanner;
  std::size_t taken = 0;
  while (taken < text.size() && !scanner.done()) {
    const std::string_view fragment = text.substr(taken, size);
    const std::size_t now = scanner.feed(fragment);
    EXPECT_TRUE(now == fragment.size() || scanner.done());
    taken += now;
  }
  return std::string(text.substr(0, taken)) + (scanner.done() ? "" : "…");
}

void expect(std::string_view text, std::string_view taken) {
  for (const std::size_t size : {1U, 2U, 3U, 7U, 1000U})
    EXPECT_EQ(scan(text, size), taken) << text << " by " << size;
}

TEST(JsonScanner, ObjectsAndArrays) {
  expect("{}:x", "{}");
  expect("[]]", "[]");
  expect(" \t\r\n{\"a\":[{},[1]]}{}", " \t\r\n{\"a\":[{},[1]]}");
  expect("{\"a\":1", "{\"a\":1…");
  expect("", "…");
  expect("  ", "  …");
}

TEST(JsonScanner, BracketsInStringsDoNotCount) {
  expect(R"({"}":"]}\"}","b":"\\"}x)", R"({"}":"]}\"}","b":"\\"})");
  expect(R"(["\)", R"(["\…)");
}

TEST(JsonScanner, Scalars) {
  expect("\"a b\"c", "\"a b\"");
  expect("12 ", "12");
  expect("true\n", "true");
  expect("1.5:next", "1.5");
  expect("nul", "nul…");
}

TEST(JsonScanner, MalformedTextsEndToo) {
  expect("{]x", "{]");
  expect("}x y", "}x");
  expect(":", "");
  expect(" :", " ");
  expect("{\"a\n:b:{}", "{\"a");
  expect("[\"a\\\nb", "[\"a\\");
  expect(std::string_view("[\"a\0\"]", 6), "[\"a");
}

TEST(JsonScanner, TakesNothingAfterTheEnd) {
  JsonScanner scanner;
  EXPECT_EQ(scanner.feed("{}"), 2U);
  EXPECT_TRUE(scanner.done());
  EXPECT_EQ(scanner.feed("{}"), 0U);
}

TEST(JsonScanner, AnyDepth) {
  const std::string text = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  JsonScanner scanner;
  EXPECT_EQ(scanner.feed(text + "x"), text.size());
  EXPECT_TRUE(scanner.done());
}

TEST(JsonScanner, CharacterClasses) {
  EXPECT_TRUE(is_control('\x1f'));
  EXPECT_FALSE(is_control(' '));
  EXPECT_FALSE(is_control('~'));
  EXPECT_TRUE(is_control('\x7f'));
  EXPECT_FALSE(is_control('\x80'));
  EXPECT_FALSE(is_json_space('\v'));
}

}  // namespace
}  // namespace httpd::mi_fifo
