// Tests of the conversions of MI parameters.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/params.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace httpd::daemon {
namespace {

MiParams with(const std::string& value) {
  return MiParams::parse("{\"p\":" + value + "}");
}

template <class Read>
std::string detail_of(const Read& read) {
  try {
    static_cast<void>(read());
  } catch (const MiError& error) {
    EXPECT_EQ(error.code(), -32602);
    EXPECT_STREQ(error.what(), "Invalid params");
    return error.data();
  }
  return "no error";
}

TEST(IntParam, TakesNumbersAndStrings) {
  EXPECT_EQ(int_param(with("5"), "p"), 5);
  EXPECT_EQ(int_param(with("\"-3\""), "p"), -3);
  EXPECT_EQ(int_param(with("\"+4\""), "p"), 4);
  EXPECT_EQ(int_param(with("2147483647"), "p"), 2147483647);
  EXPECT_EQ(int_param(with("-2147483648"), "p"), -2147483647 - 1);
}

TEST(IntParam, RefusesEverythingElse) {
  for (const char* value : {"2147483648", "-2147483649", "18446744073709551615", "1.5", "true", "null", "[]",
                            "{}", "\"\"", "\"x\"", "\"1x\"", "\" 1\"", "\"+\"", "\"-\"", "\"+-1\"", "\"--1\"",
                            "\"0x1\"", "\"2147483648\"", R"("1\u0000")"}) {
    EXPECT_EQ(detail_of([value] { return int_param(with(value), "p"); }), "Bad type for parameter 'p'")
        << value;
  }
}

TEST(StringParam, TakesStringsAndWholeNumbers) {
  EXPECT_EQ(string_param(with("\"a b\""), "p"), "a b");
  EXPECT_EQ(string_param(with("-12"), "p"), "-12");
  for (const char* value : {"1.5", "true", "null", "[]", "{}"}) {
    EXPECT_EQ(detail_of([value] { return string_param(with(value), "p"); }), "Bad type for parameter 'p'")
        << value;
  }
}

TEST(StringArrayParam, TakesArraysOfThem) {
  EXPECT_EQ(string_array_param(with("[\"a\",7]"), "p"), (std::vector<std::string>{"a", "7"}));
  const auto detail = [](const char* value) {
    return detail_of([value] { return string_array_param(with(value), "p"); });
  };
  EXPECT_EQ(detail("\"a\""), "Bad type for parameter 'p'");
  EXPECT_EQ(detail("{}"), "Bad type for parameter 'p'");
  EXPECT_EQ(detail("[]"), "Empty array in parameter 'p'");
  EXPECT_EQ(detail("[\"a\",[]]"), "Bad type for array item in parameter 'p'");
}

}  // namespace
}  // namespace httpd::daemon
