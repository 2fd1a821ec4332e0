// The clauses of RFC 9110 section 13.2.2, one by one. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/conditions.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace httpd::http {
namespace {

// The representation was modified at 08:49:37.
constexpr std::time_t kModified = 784111777;
constexpr std::string_view kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

std::vector<FieldLine> lines(const Fields& fields) {
  std::vector<FieldLine> result;
  for (const auto& [name, value] : fields)
    result.push_back({FieldId::kOther, name, value});
  return result;
}

std::string text(const Fields& fields) {
  std::string result;
  for (const auto& [name, value] : fields)
    result.append(name).append(": ").append(value).append("\n");
  return result;
}

Validators strong() {
  return {"\"a\"", kModified, kModified + 100};
}

struct Case {
  Fields fields;
  Condition get;
  Condition post;
};

void check(const Validators& validators, const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    EXPECT_EQ(evaluate_conditions(lines(test.fields), true, validators), test.get) << text(test.fields);
    EXPECT_EQ(evaluate_conditions(lines(test.fields), false, validators), test.post) << text(test.fields);
  }
}

constexpr Condition kGo = Condition::kHolds;
constexpr Condition k304 = Condition::kNotModified;
constexpr Condition k412 = Condition::kPreconditionFailed;

TEST(Conditions, Step1IfMatch) {
  check(strong(), {
                      {{}, kGo, kGo},
                      {{{"If-Match", "\"a\""}}, kGo, kGo},
                      {{{"if-match", "\"a\""}}, kGo, kGo},
                      {{{"If-Match", "*"}}, kGo, kGo},
                      {{{"If-Match", "\"b\""}}, k412, k412},
                      {{{"If-Match", "\"b\", \"a\""}}, kGo, kGo},
                      {{{"If-Match", "\"b,\" ,, \"a\""}}, kGo, kGo},
                      {{{"If-Match", "\"b\""}, {"If-Match", "\"a\""}}, kGo, kGo},
                      {{{"If-Match", "W/\"a\""}}, k412, k412},
                      {{{"If-Match", "a"}}, k412, k412},
                      {{{"If-Match", ""}}, k412, k412},
                      {{{"If-Match", "\"a"}}, k412, k412},
                      {{{"If-Match", "\"b\" \"a\""}}, k412, k412},
                      {{{"If-Match", "\"A\""}}, k412, k412},
                  });
  check({"W/\"a\"", kModified, kModified + 100},
        {{{{"If-Match", "W/\"a\""}}, k412, k412}, {{{"If-Match", "*"}}, kGo, kGo}});
  check({"", kModified, kModified + 100},
        {{{{"If-Match", "\"\""}}, k412, k412}, {{{"If-Match", "*"}}, kGo, kGo}});
}

TEST(Conditions, Step2IfUnmodifiedSince) {
  check(strong(), {
                      {{{"If-Unmodified-Since", kSame}}, kGo, kGo},
                      {{{"If-Unmodified-Since", kAfter}}, kGo, kGo},
                      {{{"If-Unmodified-Since", kBefore}}, k412, k412},
                      {{{"If-Unmodified-Since", "Sunday, 06-Nov-94 08:49:36 GMT"}}, k412, k412},
                      {{{"If-Unmodified-Since", "Sun Nov  6 08:49:36 1994"}}, k412, k412},
                      {{{"If-Unmodified-Since", "yesterday"}}, kGo, kGo},
                      {{{"If-Unmodified-Since", kBefore}, {"If-Unmodified-Since", kBefore}}, kGo, kGo},
                      {{{"If-Match", "\"a\""}, {"If-Unmodified-Since", kBefore}}, kGo, kGo},
                      {{{"If-Match", "\"b\""}, {"If-Unmodified-Since", kAfter}}, k412, k412},
                  });
  check({"\"a\"", std::nullopt, 0}, {{{{"If-Unmodified-Since", kBefore}}, kGo, kGo}});
}

TEST(Conditions, Step3IfNoneMatch) {
  check(strong(), {
                      {{{"If-None-Match", "\"a\""}}, k304, k412},
                      {{{"If-None-Match", "W/\"a\""}}, k304, k412},
                      {{{"If-None-Match", "\"b\", W/\"a\""}}, k304, k412},
                      {{{"If-None-Match", "*"}}, k304, k412},
                      {{{"If-None-Match", "\"b\""}}, kGo, kGo},
                      {{{"If-None-Match", "w/\"a\""}}, kGo, kGo},
                      {{{"If-None-Match", "a"}}, kGo, kGo},
                      {{{"If-Match", "\"a\""}, {"If-None-Match", "\"a\""}}, k304, k412},
                      {{{"If-Match", "\"b\""}, {"If-None-Match", "\"a\""}}, k412, k412},
                      {{{"If-Unmodified-Since", kSame}, {"If-None-Match", "\"a\""}}, k304, k412},
                      {{{"If-Unmodified-Since", kBefore}, {"If-None-Match", "\"a\""}}, k412, k412},
                  });
  check({"W/\"a\"", kModified, kModified + 100}, {{{{"If-None-Match", "\"a\""}}, k304, k412}});
  check({"", kModified, kModified + 100}, {{{{"If-None-Match", "\"\""}}, kGo, kGo}});
}

TEST(Conditions, Step4IfModifiedSince) {
  check(strong(), {
                      {{{"If-Modified-Since", kSame}}, k304, kGo},
                      {{{"If-Modified-Since", kAfter}}, k304, kGo},
                      {{{"If-Modified-Since", kBefore}}, kGo, kGo},
                      {{{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}, k304, kGo},
                      {{{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}, k304, kGo},
                      {{{"If-Modified-Since", "never"}}, kGo, kGo},
                      {{{"If-Modified-Since", kSame}, {"If-Modified-Since", kSame}}, kGo, kGo},
                      {{{"If-None-Match", "\"b\""}, {"If-Modified-Since", kSame}}, kGo, kGo},
                      {{{"If-None-Match", "\"a\""}, {"If-Modified-Since", kBefore}}, k304, k412},
                      {{{"If-Match", "\"a\""}, {"If-Modified-Since", kSame}}, k304, kGo},
                  });
  check({"\"a\"", std::nullopt, 0}, {{{{"If-Modified-Since", kAfter}}, kGo, kGo}});
}

TEST(Conditions, Step5IfRange) {
  struct RangeCase {
    Fields fields;
    bool holds;
  };
  for (const RangeCase& test :
       std::vector<RangeCase>{{{}, true},
                              {{{"If-Range", "\"a\""}}, true},
                              {{{"If-Range", "\"b\""}}, false},
                              {{{"If-Range", "W/\"a\""}}, false},
                              {{{"If-Range", "\"a\", \"a\""}}, false},
                              {{{"If-Range", "*"}}, false},
                              {{{"If-Range", ""}}, false},
                              {{{"If-Range", kSame}}, true},
                              {{{"If-Range", "Sun Nov  6 08:49:37 1994"}}, true},
                              {{{"If-Range", kAfter}}, false},
                              {{{"If-Range", kBefore}}, false},
                              {{{"If-Range", "\"a\""}, {"If-Range", "\"a\""}}, false}})
    EXPECT_EQ(if_range_holds(lines(test.fields), strong()), test.holds) << text(test.fields);
  const std::vector<FieldLine> weak = lines({{"If-Range", "W/\"a\""}});
  EXPECT_FALSE(if_range_holds(weak, {"W/\"a\"", kModified, kModified + 100}));
  const std::vector<FieldLine> date = lines({{"If-Range", kSame}});
  EXPECT_TRUE(if_range_holds(date, {"", kModified, kModified + 1}));
  EXPECT_FALSE(if_range_holds(date, {"", kModified, kModified})) << "it may change within this second";
  EXPECT_FALSE(if_range_holds(date, {"", std::nullopt, kModified + 100}));
}

TEST(Conditions, SingleField) {
  EXPECT_EQ(single_field(lines({{"A", "1"}, {"Range", "x"}}), "range"), "x");
  EXPECT_EQ(single_field(lines({{"Range", "x"}, {"range", "y"}}), "Range"), std::nullopt);
  EXPECT_EQ(single_field({}, "Range"), std::nullopt);
}

}  // namespace
}  // namespace httpd::http
