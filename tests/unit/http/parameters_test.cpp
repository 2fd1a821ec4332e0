// Tests of parameter lists.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace httpd::http {
namespace {

using Step = ParameterScanner::Step;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct Scan {
  std::vector<std::pair<std::string, std::string>> found;
  Step end;
};

Scan scan(std::string_view text) {
  Scan result{{}, Step::kParameter};
  ParameterScanner scanner(text);
  std::string value = "left from before";
  while ((result.end = scanner.next()) == Step::kParameter) {
    scanner.copy_value(value);
    result.found.emplace_back(scanner.name(), value);
  }
  return result;
}

TEST(ParameterScanner, NothingAndEmptyParameters) {
  for (const std::string_view text : {"", " \t", ";", " ; ;; ", ";\t"}) {
    const Scan result = scan(text);
    EXPECT_EQ(result.end, Step::kEnd) << text;
    EXPECT_THAT(result.found, IsEmpty()) << text;
  }
}

TEST(ParameterScanner, TokensAndQuotedStrings) {
  const Scan result = scan("; Charset=UTF-8;;a=\"\"\t;\tb=\"x; y=\\\"z\\\"\\\\\" ; filename*=utf-8''x");
  EXPECT_EQ(result.end, Step::kEnd);
  EXPECT_THAT(result.found, ElementsAre(Pair("Charset", "UTF-8"), Pair("a", ""), Pair("b", "x; y=\"z\"\\"),
                                        Pair("filename*", "utf-8''x")));
}

TEST(ParameterScanner, EscapesMayHideAnyCharacterThatMayStandInAQuotedString) {
  EXPECT_THAT(scan(";a=\"\\a\\ \\\t\\\xC3\"").found, ElementsAre(Pair("a", "a \t\xC3")));
}

TEST(ParameterScanner, MalformedListsAreFound) {
  for (const std::string_view text :
       {"a=b",          "; a",        "; a=",      "; =b",          "; a =b",     "; a= b",
        "; a=b c",      "; a=b,c=d",  "; a=b=c",   "; a=\"",        "; a=\"b",    R"(; a="b\)",
        R"(; a="b\")",  "; a=\"b\"c", "; a='b c'", R"(; a="b""c")", "; a=\"\n\"", "; a=\"\\\n\"",
        "; a=\"\x7f\"", "; a=\xC3",   "; \"a\"=b", "; a=(b)",       "; a/b=c"}) {
    EXPECT_EQ(scan(text).end, Step::kMalformed) << text;
  }
}

TEST(ParameterScanner, NulIsMalformed) {
  EXPECT_EQ(scan(std::string_view("; a=\"\0\"", 7)).end, Step::kMalformed);
  EXPECT_EQ(scan(std::string_view("; a=\"\\\0\"", 8)).end, Step::kMalformed);
}

TEST(ParameterScanner, ParametersBeforeAFaultAreGiven) {
  const Scan result = scan(";a=1;b=2;c");
  EXPECT_EQ(result.end, Step::kMalformed);
  EXPECT_THAT(result.found, ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

}  // namespace
}  // namespace httpd::http
