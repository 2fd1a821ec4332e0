// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/request_id.h"

#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace httpd::server {
namespace {

std::string chosen(RequestIds& ids, std::vector<std::string_view> given) {
  std::vector<http::FieldLine> fields{{http::FieldId::kOther, "Accept", "x"}};
  for (const std::string_view id : given)
    fields.push_back({http::FieldId::kOther, "x-request-ID", id});
  return std::string(ids.choose(fields));
}

TEST(RequestId, WhatIsGood) {
  EXPECT_TRUE(is_good_request_id("a"));
  EXPECT_TRUE(is_good_request_id("AZaz09._~+/=@:-"));
  EXPECT_TRUE(is_good_request_id(std::string(128, 'x')));
  EXPECT_FALSE(is_good_request_id(std::string(129, 'x')));
  for (const std::string_view bad :
       {"", " ", "a b", "a,b", "\"", "\\", "a\n", "\x7f", "\xc3\xa9", "%41", "{}"})
    EXPECT_FALSE(is_good_request_id(bad)) << bad;
  EXPECT_FALSE(is_good_request_id(std::string_view("a\0b", 3)));
}

TEST(RequestIds, AGoodOneOfTheClientIsKept) {
  RequestIds ids;
  EXPECT_EQ(chosen(ids, {"mine"}), "mine");
  EXPECT_EQ(chosen(ids, {"no good", "mine"}), "mine");
}

TEST(RequestIds, OthersAreMadeAndNeverTheSame) {
  std::set<std::string> seen;
  for (int process = 0; process < 2; ++process) {
    RequestIds ids;
    for (int i = 0; i < 10'000; ++i) {
      const std::string id = chosen(ids, {});
      EXPECT_EQ(id.size(), 32U);
      EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
      seen.insert(id);
    }
  }
  EXPECT_EQ(seen.size(), 20'000U);
  RequestIds ids;
  EXPECT_NE(chosen(ids, {"not good"}), "not good");
}

}  // namespace
}  // namespace httpd::server
