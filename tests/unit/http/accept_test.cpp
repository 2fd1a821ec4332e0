// Tests of the preference between plain text and JSON. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/accept.h"

#include <array>
#include <gtest/gtest.h>
#include <string_view>
#include <vector>

namespace httpd::http {
namespace {

bool prefers(std::vector<std::string_view> values) {
  std::vector<FieldLine> fields{{FieldId::kHost, "Host", "application/json"}};
  for (const std::string_view value : values)
    fields.push_back({FieldId::kOther, "aCCept", value});
  return prefers_json(fields);
}

TEST(Accept, WhoSaysNothingGetsText) {
  EXPECT_FALSE(prefers_json({}));
  for (const std::string_view value : {"", ",", "*/*", "text/*", "text/plain", "text/html", "image/png"})
    EXPECT_FALSE(prefers({value})) << value;
}

TEST(Accept, WhoNamesJsonGetsIt) {
  for (const std::string_view value :
       {"application/json", "APPLICATION/Json", "application/*", "application/json; charset=utf-8",
        "application/json, */*", "text/*, application/json", ",, application/json ,",
        "text/html, application/json;q=0.9, */*;q=0.8", "text/plain;q=0.4,application/json;q=0.5",
        "text/plain;q=0,application/json;q=0.001", "a/b;x=\"text/plain, q\\\"\", application/json"})
    EXPECT_TRUE(prefers({value})) << value;
}

TEST(Accept, TheHigherWeightWinsAndOfEqualOnesTheMoreExact) {
  for (const std::string_view value :
       {"text/plain, application/json", "text/plain;q=0.5, application/json;q=0.4", "application/json;q=0",
        "application/json;q=0, */*", "application/json;q=0.000, text/*;q=0", "application/json;q=0.5, */*",
        "application/*, text/plain", "*/*, text/plain"})
    EXPECT_FALSE(prefers({value})) << value;
}

TEST(Accept, SeveralLinesAreOneList) {
  EXPECT_TRUE(prefers({"text/plain;q=0.1", "application/json"}));
  EXPECT_FALSE(prefers({"application/json;q=0.1", "text/plain"}));
}

TEST(Accept, WhatCannotBeReadCountsForNothing) {
  for (const std::string_view value :
       {"json", "application/json;q", "application/json;q=", "application/json;q=2",
        "application/json;q=1.001", "application/json;q=0.1234", "application/json;q=-1",
        "application/json;q=.5", "application/json;q=0,5", "application /json", "application/json q=1",
        "application/json;q=\"1", "application/json/x"})
    EXPECT_FALSE(prefers({value})) << value;
  EXPECT_TRUE(prefers({"application/json;q=1."})) << "the grammar allows it";
}

std::size_t preferred(std::string_view accept) {
  static constexpr std::array<std::string_view, 3> kOffered{
      "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0", "text/html"};
  const std::vector<FieldLine> fields{{FieldId::kOther, "Accept", accept}};
  return preferred_type(fields, kOffered);
}

TEST(Accept, OfSeveralTypesThePreferredOne) {
  EXPECT_EQ(preferred("application/openmetrics-text"), 1U);
  EXPECT_EQ(preferred("text/html, text/*;q=0.9"), 2U);
  EXPECT_EQ(preferred("*/*"), 0U) << "the first of those that are as good";
  EXPECT_EQ(preferred("text/*;q=0.1, application/*;q=0.1"), 0U);
  EXPECT_EQ(preferred("image/png"), 3U) << "none";
  EXPECT_EQ(preferred("text/html;q=0"), 3U);
  EXPECT_EQ(preferred("not readable"), 0U);
  EXPECT_EQ(preferred_type({}, std::array<std::string_view, 1>{"text/html"}), 0U);
  EXPECT_EQ(preferred_type({}, {}), 0U);
}

TEST(Accept, ParametersTellVersionsApart) {
  EXPECT_EQ(preferred("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
                      "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            1U)
      << "what a Prometheus server sends";
  EXPECT_EQ(preferred("application/openmetrics-text;version=0.0.1"), 3U);
  EXPECT_EQ(preferred("application/openmetrics-text; VERSION=\"1.0.0\""), 1U);
  EXPECT_EQ(preferred("text/plain;version=0.0.4;charset=utf-8"), 0U) << "one that only the client knows";
  EXPECT_EQ(preferred("text/plain;q=1;version=9"), 0U) << "behind q it is no parameter of the type";
}

}  // namespace
}  // namespace httpd::http
