// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/ranges.h"

#include <gtest/gtest.h>

namespace httpd::http {
namespace {

using Kind = RangeRequest::Kind;
using Parts = std::vector<ByteRange>;

struct Case {
  std::string_view value;
  Kind kind;
  Parts parts;
};

void check(std::uint64_t size, const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    const RangeRequest request = read_ranges(test.value, size);
    EXPECT_EQ(request.kind, test.kind) << test.value;
    EXPECT_TRUE(request.parts == test.parts) << test.value << ": " << request.parts.size() << " parts";
  }
}

TEST(ReadRanges, OneRange) {
  check(1000, {
                  {"bytes=0-0", Kind::kParts, {{0, 1}}},
                  {"bytes=0-499", Kind::kParts, {{0, 500}}},
                  {"bytes=999-999", Kind::kParts, {{999, 1}}},
                  {"bytes=500-", Kind::kParts, {{500, 500}}},
                  {"bytes=0-", Kind::kParts, {{0, 1000}}},
                  {"bytes=-1", Kind::kParts, {{999, 1}}},
                  {"bytes=-1000", Kind::kParts, {{0, 1000}}},
                  {"bytes=-1001", Kind::kParts, {{0, 1000}}},
                  {"bytes=990-1000", Kind::kParts, {{990, 10}}},
                  {"BYTES=1-2", Kind::kParts, {{1, 2}}},
                  {"bytes= 1-2\t", Kind::kParts, {{1, 2}}},
                  {"bytes=5-99999999999999999999999999", Kind::kParts, {{5, 995}}},
                  {"bytes=-99999999999999999999999999", Kind::kParts, {{0, 1000}}},
                  {"bytes=00000000000000000000000000001-2", Kind::kParts, {{1, 2}}},
              });
}

TEST(ReadRanges, Unsatisfiable) {
  check(1000, {
                  {"bytes=1000-", Kind::kUnsatisfiable, {}},
                  {"bytes=1000-1001", Kind::kUnsatisfiable, {}},
                  {"bytes=99999999999999999999999-", Kind::kUnsatisfiable, {}},
                  {"bytes=-0", Kind::kUnsatisfiable, {}},
                  {"bytes=-0,2000-", Kind::kUnsatisfiable, {}},
              });
}

TEST(ReadRanges, WhatIsNoRangeIsIgnored) {
  check(1000, {
                  {"", Kind::kWhole, {}},
                  {"bytes", Kind::kWhole, {}},
                  {"bytes=", Kind::kWhole, {}},
                  {"bytes=,", Kind::kWhole, {}},
                  {"bytes=-", Kind::kWhole, {}},
                  {"bytes=a-b", Kind::kWhole, {}},
                  {"bytes=5", Kind::kWhole, {}},
                  {"bytes=5-4", Kind::kWhole, {}},
                  {"bytes=1-2x", Kind::kWhole, {}},
                  {"bytes=1 -2", Kind::kWhole, {}},
                  {"bytes=+1-2", Kind::kWhole, {}},
                  {"bytes=--1", Kind::kWhole, {}},
                  {"bytes=0x1-2", Kind::kWhole, {}},
                  {"bytes =1-2", Kind::kWhole, {}},
                  {"items=1-2", Kind::kWhole, {}},
                  {"bytes=0-0,5-4", Kind::kWhole, {}},
                  {"bytes=0-0,x", Kind::kWhole, {}},
                  {"bytes:1-2", Kind::kWhole, {}},
              });
}

TEST(ReadRanges, SeveralAreJoinedWhereTheyTouch) {
  check(1000, {
                  {"bytes=0-0,-1", Kind::kParts, {{0, 1}, {999, 1}}},
                  {"bytes=500-599,0-9", Kind::kParts, {{500, 100}, {0, 10}}},
                  {"bytes=0-9,10-19", Kind::kParts, {{0, 20}}},
                  {"bytes=0-9,11-19", Kind::kParts, {{0, 10}, {11, 9}}},
                  {"bytes=0-99,50-149", Kind::kParts, {{0, 150}}},
                  {"bytes=0-,0-,0-", Kind::kParts, {{0, 1000}}},
                  {"bytes=10-19,30-39,20-29", Kind::kParts, {{10, 30}}},
                  {"bytes=30-39,100-109,10-19,20-29", Kind::kParts, {{10, 30}, {100, 10}}},
                  {"bytes=100-109,30-39,10-19,15-35", Kind::kParts, {{100, 10}, {10, 30}}},
                  {"bytes=1-2, ,4-5,", Kind::kParts, {{1, 2}, {4, 2}}},
                  {"bytes=1-2,5000-", Kind::kParts, {{1, 2}}},
              });
}

TEST(ReadRanges, TooManyAreIgnored) {
  std::string value = "bytes=0-0";
  for (std::size_t i = 1; i < kMaxRanges; ++i)
    value += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
  EXPECT_EQ(read_ranges(value, 1000).parts.size(), kMaxRanges);
  EXPECT_EQ(read_ranges(value + ",999-", 1000).kind, Kind::kWhole);
  EXPECT_EQ(read_ranges(value + ",5000-", 1000).kind, Kind::kWhole) << "also when it selects nothing";
}

TEST(ReadRanges, OfAnEmptyRepresentation) {
  check(0, {
               {"bytes=0-", Kind::kUnsatisfiable, {}},
               {"bytes=0-0", Kind::kUnsatisfiable, {}},
               {"bytes=-0", Kind::kUnsatisfiable, {}},
               {"bytes=-5", Kind::kWhole, {}},
           });
}

TEST(ReadRanges, PartsAreNeverLongerThanTheWhole) {
  std::string value = "bytes=";
  for (std::size_t i = 0; i < kMaxRanges; ++i)
    value += std::to_string(i * 7 % 20) + "-" + std::to_string(i * 11 % 50 + 20) + ",";
  std::uint64_t total = 0;
  for (const ByteRange& part : read_ranges(value, 60).parts)
    total += part.size;
  EXPECT_GT(total, 0U);
  EXPECT_LE(total, 60U);
}

TEST(ContentRange, OfAPartAndOfNone) {
  EXPECT_EQ(content_range({0, 100}, 1234), "bytes 0-99/1234");
  EXPECT_EQ(content_range({1233, 1}, 1234), "bytes 1233-1233/1234");
  EXPECT_EQ(unsatisfied_range(1234), "bytes */1234");
}

}  // namespace
}  // namespace httpd::http
