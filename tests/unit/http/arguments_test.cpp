// Tests of the argument list.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/arguments.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace httpd::http {
namespace {

using Pair = Arguments::Pair;

TEST(Arguments, BeginsEmpty) {
  const Arguments arguments;
  EXPECT_TRUE(arguments.empty());
  EXPECT_EQ(arguments.size(), 0U);
  EXPECT_FALSE(arguments.find(""));
}

TEST(Arguments, KeepsPairsInOrder) {
  Arguments arguments;
  arguments.add("b", "1");
  arguments.add("a", "");
  EXPECT_TRUE(arguments.add_encoded("c%20d", "x+y%2B"));
  ASSERT_EQ(arguments.size(), 3U);
  EXPECT_EQ(arguments.at(0), Pair("b", "1"));
  EXPECT_EQ(arguments.at(1), Pair("a", ""));
  EXPECT_EQ(arguments.at(2), Pair("c d", "x y+"));
}

TEST(Arguments, FindGivesTheFirstExactMatch) {
  Arguments arguments;
  arguments.add("Name", "other case");
  arguments.add("name2", "longer");
  arguments.add("name", "first");
  arguments.add("name", "second");
  arguments.add("nul", "");
  EXPECT_EQ(arguments.find("name"), "first");
  EXPECT_EQ(arguments.find("nul"), "");
  EXPECT_EQ(arguments.find("nam"), std::nullopt);
  EXPECT_EQ(arguments.find(""), std::nullopt);
  EXPECT_EQ(arguments.find("first"), std::nullopt);
}

TEST(Arguments, EachTextIsFollowedByANul) {
  Arguments arguments;
  arguments.add("a", "one");
  EXPECT_TRUE(arguments.add_encoded("b", "two"));
  arguments.add("", "");
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto [name, value] = arguments.at(i);
    EXPECT_EQ(std::string(name.data()), name);
    EXPECT_EQ(std::string(value.data()), value);
  }
}

TEST(Arguments, GrowthKeepsWhatIsThere) {
  Arguments arguments;
  for (int i = 0; i < 5000; ++i)
    arguments.add("n" + std::to_string(i), std::string(static_cast<std::size_t>(i % 50), 'v'));
  for (std::size_t i = 0; i < 5000; ++i) {
    ASSERT_EQ(arguments.at(i).first, "n" + std::to_string(i));
    ASSERT_EQ(arguments.at(i).second, std::string(i % 50, 'v'));
  }
}

TEST(Arguments, FailedDecodingAddsNothing) {
  Arguments arguments;
  arguments.add("a", "1");
  EXPECT_FALSE(arguments.add_encoded("b%", "2"));
  EXPECT_FALSE(arguments.add_encoded("b", "2%4"));
  EXPECT_FALSE(arguments.add_encoded("b%00", "2"));
  EXPECT_FALSE(arguments.add_encoded("b", "%00"));
  ASSERT_EQ(arguments.size(), 1U);
  EXPECT_EQ(arguments.at(0), Pair("a", "1"));
  arguments.add("c", "3");
  EXPECT_EQ(arguments.at(0), Pair("a", "1"));
  EXPECT_EQ(arguments.at(1), Pair("c", "3"));
}

TEST(Arguments, ClearForgetsAll) {
  Arguments arguments;
  arguments.add("a", "1");
  arguments.clear();
  EXPECT_TRUE(arguments.empty());
  EXPECT_FALSE(arguments.find("a"));
  arguments.add("b", "2");
  EXPECT_EQ(arguments.at(0), Pair("b", "2"));
}

TEST(Arguments, ClearKeepsSmallMemory) {
  Arguments arguments;
  arguments.add("name", std::string(1000, 'v'));
  const char* const before = arguments.at(0).first.data();
  arguments.clear();
  arguments.add("name", "v");
  EXPECT_EQ(arguments.at(0).first.data(), before);
}

TEST(Arguments, ClearGivesLargeMemoryBack) {
  Arguments arguments;
  arguments.add("name", std::string(65536, 'v'));
  for (int i = 0; i < 10000; ++i)
    arguments.add("n", "v");
  EXPECT_GT(arguments.capacity(), 65536U);
  arguments.clear();
  EXPECT_LT(arguments.capacity(), 1024U);
  arguments.add("a", "1");
  EXPECT_EQ(arguments.find("a"), "1");
}

TEST(Arguments, ClearGivesBackTheMemoryOfManyShortPairs) {
  Arguments arguments;
  for (int i = 0; i < 6000; ++i)
    arguments.add("n", "");
  EXPECT_GT(arguments.capacity(), 65536U);
  arguments.clear();
  EXPECT_LE(arguments.capacity(), 65536U);
}

}  // namespace
}  // namespace httpd::http
