// Tests of the IMF-fixdate, against the RFC's example, known corners and the C library.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/date.h"

#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <string>

namespace httpd::http {
namespace {

std::string format(std::time_t time) {
  std::array<char, kImfFixdateSize + 1> text;
  text.fill('#');
  format_imf_fixdate(time, text.data());
  EXPECT_EQ(text.back(), '#') << "written past the end";
  return {text.data(), kImfFixdateSize};
}

std::string format_with_c_library(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

TEST(ImfFixdate, ExampleOfRfc9110) {
  EXPECT_EQ(format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(ImfFixdate, Corners) {
  EXPECT_EQ(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(format(2147483647), "Tue, 19 Jan 2038 03:14:07 GMT");
  EXPECT_EQ(format(2147483648), "Tue, 19 Jan 2038 03:14:08 GMT");
  EXPECT_EQ(format(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
}

TEST(ImfFixdate, TimesWithoutAFormAreMovedToTheNearestWithOne) {
  EXPECT_EQ(format(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format(std::numeric_limits<std::time_t>::min()), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format(253402300800), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(format(std::numeric_limits<std::time_t>::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(ImfFixdate, AgreesWithTheCLibrary) {
  for (std::time_t day = 0; day < std::time_t{365} * 500; ++day) {
    ASSERT_EQ(format(day * 86400), format_with_c_library(day * 86400));
  }
  std::mt19937_64 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same times in each run
  std::uniform_int_distribution<std::int64_t> times(0, 253402300799);
  for (int i = 0; i < 20000; ++i) {
    const auto time = static_cast<std::time_t>(times(random));
    ASSERT_EQ(format(time), format_with_c_library(time));
  }
}

constexpr std::time_t kNow = 1'700'000'000;  // 2023

TEST(ParseHttpDate, ThreeFormsOfRfc9110) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), 784111777);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), 784111777);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), 784111777);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", kNow), 784975777);
}

TEST(ParseHttpDate, Corners) {
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT", kNow), 0);
  EXPECT_EQ(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT", kNow), -1);
  EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT", kNow), 253402300799);
  EXPECT_EQ(parse_http_date("Tue, 29 Feb 2000 00:00:00 GMT", kNow), 951782400);
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", kNow), 1483228800) << "a leap second";
  EXPECT_EQ(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT", kNow), 784111777) << "the wrong day of the week";
}

TEST(ParseHttpDate, YearsOfTwoDigits) {
  EXPECT_EQ(parse_http_date("Friday, 01-Jan-73 00:00:00 GMT", kNow), 3250454400) << "2073: 50 years ahead";
  EXPECT_EQ(parse_http_date("Friday, 01-Jan-74 00:00:00 GMT", kNow), 126230400) << "1974";
  EXPECT_EQ(parse_http_date("Friday, 01-Jan-00 00:00:00 GMT", kNow), 946684800) << "2000";
  EXPECT_EQ(parse_http_date("Friday, 01-Jan-00 00:00:00 GMT", 3'000'000'000), 4102444800) << "2100, in 2065";
}

TEST(ParseHttpDate, WhatIsNone) {
  for (const std::string_view text : {"",
                                      "0",
                                      "Sun",
                                      "Sun, ",
                                      "Sun, 06 Nov 1994",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 gmt",
                                      "sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 nov 1994 08:49:37 GMT",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 94 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 29 Feb 2023 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 ovN 1994 08:49:37 GMT",
                                      "Xxx, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, +6 Nov 1994 08:49:37 GMT",
                                      "Sunny, 06-Nov-94 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "Sunday, 06 Nov 94 08:49:37 GMT",
                                      "Sun Nov 6 08:49:37 1994",
                                      "Sun Nov 06 08:49:37 94",
                                      "Sun Nov  6 08:49:37 1994 GMT",
                                      "Sun Nov   08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
}

TEST(ParseHttpDate, ReadsWhatIsWritten) {
  std::mt19937_64 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same times in each run
  std::uniform_int_distribution<std::int64_t> times(0, 253402300799);
  for (int i = 0; i < 20000; ++i) {
    const auto time = static_cast<std::time_t>(times(random));
    ASSERT_EQ(parse_http_date(format(time), kNow), time);
  }
}

TEST(DateCache, FollowsTheClock) {
  DateCache cache;
  EXPECT_EQ(cache.value(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.value(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(cache.value(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(DateCache, GivesTheSameTextWithinASecond) {
  DateCache cache;
  const std::string_view first = cache.value(784111777);
  const std::string_view second = cache.value(784111777);
  EXPECT_EQ(first.data(), second.data());
  EXPECT_EQ(first, second);
}

TEST(DateCache, FirstCallMayBeAtTheEpochOrBefore) {
  EXPECT_EQ(DateCache().value(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(DateCache().value(-1), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace httpd::http
