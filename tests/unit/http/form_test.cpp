// Tests of urlencoded forms and queries.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace httpd::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> pairs_of(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    pairs.emplace_back(arguments.at(i));
  return pairs;
}

std::vector<std::pair<std::string, std::string>> parse(std::string_view text) {
  Arguments arguments;
  EXPECT_EQ(parse_urlencoded(text, {}, arguments), Refusal::kNone) << text;
  return pairs_of(arguments);
}

Refusal refusal_of(std::string_view text, std::size_t max_pair = 0) {
  Arguments arguments;
  return parse_urlencoded(text, {.max_pair = max_pair}, arguments);
}

TEST(UrlencodedForm, Pairs) {
  EXPECT_THAT(parse("a=1&b=2"), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(parse("a=1&a=2"), ElementsAre(Pair("a", "1"), Pair("a", "2")));
  EXPECT_THAT(parse("a=b=c&d==&e;f=1"), ElementsAre(Pair("a", "b=c"), Pair("d", "="), Pair("e;f", "1")));
}

TEST(UrlencodedForm, ValueMayBeEmptyOrAbsent) {
  EXPECT_THAT(parse("a=&b"), ElementsAre(Pair("a", ""), Pair("b", "")));
}

TEST(UrlencodedForm, EmptyPiecesAreSkipped) {
  EXPECT_THAT(parse(""), IsEmpty());
  EXPECT_THAT(parse("&"), IsEmpty());
  EXPECT_THAT(parse("&&a&&&b&"), ElementsAre(Pair("a", ""), Pair("b", "")));
}

TEST(UrlencodedForm, NamesAndValuesAreDecoded) {
  EXPECT_THAT(parse("a+b=c+d"), ElementsAre(Pair("a b", "c d")));
  EXPECT_THAT(parse("%26%3d=%2B%25&x=%C3%a4"), ElementsAre(Pair("&=", "+%"), Pair("x", "\xC3\xA4")));
  EXPECT_THAT(parse("j={\"a\": 1}\r\n"), ElementsAre(Pair("j", "{\"a\": 1}\r\n")));
}

TEST(UrlencodedForm, PairsAreAddedToThoseBefore) {
  Arguments arguments;
  arguments.add("first", "1");
  EXPECT_EQ(parse_urlencoded("second=2", {}, arguments), Refusal::kNone);
  EXPECT_THAT(pairs_of(arguments), ElementsAre(Pair("first", "1"), Pair("second", "2")));
}

TEST(UrlencodedForm, Malformed) {
  for (const std::string_view text :
       {"=", "=v", "a=1&=2", "a=%", "a=%4", "a=%zz", "%=1", "a%4=1", "a=%00", "%00=1", "a=1&b=%", "a=%4&1"}) {
    EXPECT_EQ(refusal_of(text), Refusal::kMalformedForm) << text;
  }
  EXPECT_EQ(refusal_of(std::string_view("a=\0", 3)), Refusal::kMalformedForm);
  EXPECT_EQ(refusal_of(std::string_view("\0=1", 3)), Refusal::kMalformedForm);
}

TEST(UrlencodedForm, PairsBeforeAFaultStay) {
  Arguments arguments;
  EXPECT_EQ(parse_urlencoded("a=1&b=%&c=3", {}, arguments), Refusal::kMalformedForm);
  EXPECT_THAT(pairs_of(arguments), ElementsAre(Pair("a", "1")));
}

TEST(UrlencodedForm, LimitCountsDecodedNameAndValue) {
  EXPECT_EQ(refusal_of("abc=defg", 7), Refusal::kNone);
  EXPECT_EQ(refusal_of("abc=defgh", 7), Refusal::kFormFieldTooLarge);
  EXPECT_EQ(refusal_of("%61%62c=%64efg", 7), Refusal::kNone);
  EXPECT_EQ(refusal_of("%61%62c=%64efgh", 7), Refusal::kFormFieldTooLarge);
  EXPECT_EQ(refusal_of("abcdefg", 7), Refusal::kNone);
  EXPECT_EQ(refusal_of("abcdefgh", 7), Refusal::kFormFieldTooLarge);
  EXPECT_EQ(refusal_of("a=1&b=2&c=3", 2), Refusal::kNone);
  EXPECT_EQ(refusal_of("a=1&b=22&c=3", 2), Refusal::kFormFieldTooLarge);
}

TEST(UrlencodedForm, NoLimit) {
  EXPECT_EQ(refusal_of("a=" + std::string(1 << 20, 'v'), 0), Refusal::kNone);
}

TEST(UrlencodedForm, ManyPairsTakeLinearTime) {
  std::string text;
  for (int i = 0; i < 500000; ++i)
    text += "a&";
  EXPECT_EQ(parse(text).size(), 500000U);
  EXPECT_THAT(parse(std::string(1 << 20, '&')), IsEmpty());
}

TEST(UrlencodedForm, SoManyPairsAndNoMore) {
  const FormLimits limits{0, 3, Refusal::kTooManyQueryFields};
  Arguments arguments;
  arguments.add("of", "the form");
  EXPECT_EQ(parse_urlencoded("a=1&&b=2&c=3&", limits, arguments), Refusal::kNone);
  EXPECT_EQ(arguments.size(), 4U) << "empty pieces are no pairs";
  arguments.clear();
  EXPECT_EQ(parse_urlencoded("a=1&b=2&c=3&d", limits, arguments), Refusal::kTooManyQueryFields);
  EXPECT_EQ(arguments.size(), 3U);
}

}  // namespace
}  // namespace httpd::http
