// Tests of the preference between plain text and JSON. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/accept.h"

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

}  // namespace
}  // namespace httpd::http
