// Tests of reading JSON texts: limits, numbers of ids, repeated names, hostile input.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/json_reader.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace httpd::daemon {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string object_with(std::size_t members) {
  std::string text = "{";
  for (std::size_t i = 0; i < members; ++i)
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
  return text + "}";
}

std::string array_with(std::size_t items) {
  std::string text = "[";
  for (std::size_t i = 0; i < items; ++i)
    text += i == 0 ? "0" : ",0";
  return text + "]";
}

std::string kept_id(const nlohmann::ordered_json& request) {
  if (!request.at("id").is_binary()) return "not kept as text";
  const auto& bytes = request.at("id").get_binary();
  return {bytes.begin(), bytes.end()};
}

TEST(JsonReader, KeepsOrderAndValues) {
  const JsonDocument document = read_json(R"( {"b":[1,-2,true,null,"x"],"a":{"c":{}},"d":1.5} )");
  ASSERT_EQ(document.problem, JsonProblem::kNone);
  EXPECT_EQ(document.value.dump(), R"({"b":[1,-2,true,null,"x"],"a":{"c":{}},"d":1.5})");
}

TEST(JsonReader, LastOfTwoEqualNamesWins) {
  EXPECT_EQ(read_json(R"({"a":1,"b":2,"a":{"c":3}})").value.dump(), R"({"a":{"c":3},"b":2})");
}

TEST(JsonReader, DepthIsLimited) {
  EXPECT_EQ(read_json(nested(kMaxJsonDepth)).problem, JsonProblem::kNone);
  EXPECT_EQ(read_json(nested(kMaxJsonDepth + 1)).problem, JsonProblem::kSyntax);
  EXPECT_EQ(read_json(std::string(5'000'000, '[')).problem, JsonProblem::kSyntax);
}

TEST(JsonReader, MembersAreLimited) {
  EXPECT_EQ(read_json(object_with(kMaxJsonMembers)).problem, JsonProblem::kNone);
  EXPECT_EQ(read_json(object_with(kMaxJsonMembers + 1)).problem, JsonProblem::kTooLarge);
  EXPECT_EQ(read_json("{\"a\":" + object_with(kMaxJsonMembers + 1) + "}").problem, JsonProblem::kTooLarge);
}

TEST(JsonReader, BatchSizeIsLimitedButNoOtherArray) {
  EXPECT_EQ(read_json(array_with(kMaxBatchSize)).problem, JsonProblem::kNone);
  EXPECT_EQ(read_json(array_with(kMaxBatchSize + 1)).problem, JsonProblem::kTooLarge);
  const JsonDocument inner = read_json("{\"a\":" + array_with(1000) + "}");
  ASSERT_EQ(inner.problem, JsonProblem::kNone);
  EXPECT_EQ(inner.value["a"].size(), 1000U);
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      " "sv,
                                      "{"sv,
                                      "{]"sv,
                                      R"({"a"})"sv,
                                      "[1,]"sv,
                                      "nul"sv,
                                      "01"sv,
                                      "1 2"sv,
                                      "{}x"sv,
                                      "\"\n\""sv,
                                      "'a'"sv,
                                      R"("\ud800")"sv,
                                      "\"\xff\""sv,
                                      "\"\xc0\xaf\""sv,
                                      "\"\xed\xa0\x80\""sv,
                                      "\xff"sv,
                                      "{}\0"sv,
                                      "{}\0x"sv,
                                      "[\0]"sv,
                                      "1e999"sv,
                                      "NaN"sv}) {
    const JsonDocument document = read_json(text);
    EXPECT_EQ(document.problem, JsonProblem::kSyntax) << text;
    EXPECT_TRUE(document.value.is_null()) << text;
  }
}

TEST(JsonReader, KeepsTheTextOfUnusualIds) {
  for (const std::string number : {"1.50", "1e2", "-0.0", "123456789012345678901234567890", "1E+05"}) {
    EXPECT_EQ(kept_id(read_json("{\"id\":" + number + "}").value), number);
    EXPECT_EQ(kept_id(read_json("[0,{\"x\":[2.5],\"id\":" + number + "}]").value[1]), number);
    EXPECT_EQ(kept_id(read_json("{\"\\u0069d\":" + number + "}").value), number);
  }
}

TEST(JsonReader, OtherNumbersAreNumbers) {
  EXPECT_EQ(read_json(R"({"id":18446744073709551615})").value["id"], 18446744073709551615U);
  EXPECT_EQ(read_json(R"({"id":-9223372036854775808})").value["id"].dump(), "-9223372036854775808");
  EXPECT_TRUE(read_json(R"({"params":{"id":1.5}})").value["params"]["id"].is_number_float());
  EXPECT_TRUE(read_json(R"([[{"id":1.5}]])").value[0][0]["id"].is_number_float());
  EXPECT_TRUE(read_json(R"({"id":[1.5]})").value["id"][0].is_number_float());
  EXPECT_TRUE(read_json(R"({"id":"a","x":1.5})").value["x"].is_number_float());
}

TEST(JsonReader, TimeIsProportionalToLength) {
  std::string text = "[";
  while (text.size() < 4'000'000)
    text += R"({"a":[[],{}],"a":"\u00e9"},)";
  text += "0]";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_json("{\"p\":" + text + "}").problem, JsonProblem::kNone);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace httpd::daemon
