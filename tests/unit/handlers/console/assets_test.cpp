// Tests of what the build has put into the program: all of the page, small enough, and fit for its strict
// policy. SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/assets.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <regex>
#include <string>
#include <vector>

namespace httpd::console {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kMost = 150'000;  // bytes

std::string_view bytes_of(std::string_view name) {
  const auto found = std::ranges::find(assets(), name, &Asset::name);
  return found == assets().end() ? std::string_view{} : found->bytes;
}

/// What the first group of `pattern` matches, everywhere in the template.
std::vector<std::string> in_template(const char* pattern) {
  const std::string text(page_template());
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
    found.push_back(match->str(1));
  }
  return found;
}

TEST(ConsoleAssets, AreTheFilesThatThePageAsksFor) {
  std::vector<std::string> names;
  for (const Asset& asset : assets())
    names.emplace_back(asset.name);
  EXPECT_THAT(names, ElementsAre("console.js", "console.css", "icon.svg"));
  for (const std::string& wanted : in_template("(?:src|href)=\"([^#\"][^\"]*)\"")) {
    EXPECT_FALSE(bytes_of(wanted).empty()) << wanted;
  }
}

TEST(ConsoleAssets, HaveTheirMediaTypes) {
  std::vector<std::string_view> types;
  for (const Asset& asset : assets())
    types.push_back(asset.type);
  EXPECT_THAT(types,
              ElementsAre("text/javascript; charset=utf-8", "text/css; charset=utf-8", "image/svg+xml"));
}

TEST(ConsoleAssets, AreSmallTogether) {
  std::size_t sum = page_template().size();
  for (const Asset& asset : assets())
    sum += asset.bytes.size();
  EXPECT_LT(sum, kMost);
}

TEST(ConsoleAssets, AreCompressedWhereThatPays) {
  for (const Asset& asset : assets()) {
    if (asset.gzip.empty()) continue;
    EXPECT_LT(asset.gzip.size(), asset.bytes.size()) << asset.name;
    EXPECT_EQ(asset.gzip.substr(0, 3), "\x1f\x8b\x08") << asset.name;
    EXPECT_EQ(asset.gzip.substr(4, 4), std::string_view("\0\0\0\0", 4))
        << asset.name << " has the time of a file in it";
    // RFC 1952, 2.3.1: the size of what was compressed ends it, the lowest byte first.
    std::size_t size = 0;
    for (std::size_t i = 1; i <= 4; i++) {
      size = size << 8 | static_cast<unsigned char>(asset.gzip[asset.gzip.size() - i]);
    }
    EXPECT_EQ(size, asset.bytes.size()) << asset.name;
  }
  EXPECT_FALSE(assets()[0].gzip.empty());
  EXPECT_FALSE(assets()[1].gzip.empty());
}

TEST(ConsoleAssets, TheNoticeOfDygraphsGoesWithIt) {
  EXPECT_THAT(bytes_of("console.js"), HasSubstr("this permission notice shall be included"));
  EXPECT_THAT(bytes_of("console.js"), HasSubstr("Dan Vanderkam"));
}

TEST(ConsoleAssets, ThePolicyHasNothingToForbid) {
  EXPECT_THAT(in_template("(\\sstyle=|\\son[a-z]+=|<style|<script>|javascript:|https?://)"), ElementsAre());
  // Dygraphs' legend would set style attributes as markup.
  EXPECT_THAT(bytes_of("console.js"), Not(HasSubstr("setAttribute(\"style\"")));
  EXPECT_THAT(bytes_of("console.css"), Not(HasSubstr("url(")));
  EXPECT_THAT(bytes_of("console.css"), Not(HasSubstr("@import")));
}

TEST(ConsoleAssets, TheNamesOfTheTemplateAreUsedTwice) {
  // Where a number or a table is filled in, the script finds it by the same name.
  EXPECT_EQ(in_template("data-number=\"([^\"]+)\""), in_template("\\{\\{number ([^}]+)\\}\\}"));
  EXPECT_EQ(in_template("data-table=\"([^\"]+)\""), in_template("\\{\\{table ([^}]+)\\}\\}"));
  std::vector<std::string> tables = in_template("data-table=\"([^\"]+)\"");
  EXPECT_THAT(tables, ElementsAre("roots", "requests", "workers", "clients", "certificates", "refusals"));
}

TEST(ConsoleAssets, ElementsHaveIdsOfTheirOwn) {
  std::vector<std::string> ids = in_template("\\sid=\"([^\"]+)\"");
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  for (const std::string& aim :
       in_template("(?:aria-labelledby|aria-describedby|for|list|href)=\"#?([a-z-]+)\"")) {
    EXPECT_TRUE(std::ranges::binary_search(ids, aim)) << aim;
  }
}

TEST(ConsoleAssets, TheBuildIsAWord) {
  EXPECT_EQ(build().size(), 16U);
  EXPECT_TRUE(
      std::ranges::all_of(build(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }));
}

}  // namespace
}  // namespace httpd::console
