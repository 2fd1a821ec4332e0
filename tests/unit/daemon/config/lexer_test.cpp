// The lexical rules of configuration files.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/lexer.h"

#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "error_text.h"

namespace httpd::daemon {
namespace {

using namespace std::string_view_literals;

std::vector<Token> lex(std::string_view text) {
  Lexer lexer(text, "f.cfg");
  std::vector<Token> out;
  for (Token token = lexer.next(); token.kind != Token::Kind::kEnd; token = lexer.next())
    out.push_back(token);
  return out;
}

std::string string_value(std::string_view text) {
  const auto tokens = lex(text);
  if (tokens.size() != 1 || tokens.front().kind != Token::Kind::kString) return "NOT ONE STRING";
  return tokens.front().text;
}

unsigned long long integer_value(std::string_view text) {
  const auto tokens = lex(text);
  EXPECT_EQ(tokens.size(), 1U);
  EXPECT_EQ(tokens.at(0).kind, Token::Kind::kInteger);
  return tokens.at(0).magnitude;
}

std::string lex_error(std::string_view text) {
  return error_text([text] { lex(text); });
}

TEST(Lexer, EndsAgainAndAgain) {
  Lexer lexer("", "f.cfg");
  EXPECT_EQ(lexer.next().kind, Token::Kind::kEnd);
  EXPECT_EQ(lexer.next().kind, Token::Kind::kEnd);
}

TEST(Lexer, PositionsAreInBytesFromOne) {
  const auto tokens = lex("a\n\tb_2 =\r\n  \"\xc3\xa4\" c");
  ASSERT_EQ(tokens.size(), 5U);
  const int lines[] = {1, 2, 2, 3, 3};
  const int columns[] = {1, 2, 6, 3, 8};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i].line, lines[i]) << i;
    EXPECT_EQ(tokens[i].column, columns[i]) << i;
  }
  EXPECT_EQ(tokens[1].text, "b_2");
  EXPECT_EQ(tokens[2].text, "=");
}

TEST(Lexer, SkipsComments) {
  EXPECT_TRUE(lex("#!OPENSIPS\n# one\r\n#").empty());
  EXPECT_TRUE(lex("/* a /* nested */ b */ # /* not opened").empty());
  EXPECT_EQ(lex("/**/a/*\n*/b").size(), 2U);
  EXPECT_TRUE(lex("# form feed \f and escape \x1b are nobody's business here").empty());
}

TEST(Lexer, HasNoSlashSlashComments) {
  EXPECT_EQ(lex("// a").size(), 3U);
}

TEST(Lexer, JoinsLinesAfterABackslash) {
  EXPECT_EQ(lex("a \\\n b \\\r\n c").size(), 3U);
  EXPECT_EQ(lex("\\ a").at(0).text, "\\");
}

TEST(Lexer, ManyNestedCommentsDoNotRecurse) {
  std::string text;
  for (int i = 0; i < 200000; ++i)
    text += "/*";
  EXPECT_EQ(lex_error(text), "f.cfg:1:1: this comment is not closed: expected */, found the end of the file");
  for (int i = 0; i < 200000; ++i)
    text += "*/";
  EXPECT_TRUE(lex(text).empty());
}

TEST(Lexer, UnclosedComment) {
  EXPECT_EQ(lex_error("a\n /* /* */"),
            "f.cfg:2:2: this comment is not closed: expected */, found the end of the file");
  EXPECT_NE(lex_error("/*/"), "");
}

TEST(Lexer, Escapes) {
  EXPECT_EQ(string_value(R"("\n\r\a\t\"\\")"), "\n\r\a\t\"\\");
  EXPECT_EQ(string_value(R"("\x41\xA\xfg")"), "A\n\x0fg");
  EXPECT_EQ(string_value(R"("\101\60\3777")"),
            "A0\xff"
            "7");
  EXPECT_EQ(string_value("\"a\\\nb\\\r\nc\""), "abc");
}

TEST(Lexer, OtherBackslashesStandForThemselves) {
  EXPECT_EQ(string_value(R"("\d\1\x\q\8")"), R"(\d\1\x\q\8)");
  EXPECT_EQ(string_value(R"('\n\')"), R"(\n\)");
}

TEST(Lexer, EscapesOfNoByte) {
  EXPECT_EQ(lex_error(R"("ab\x00")"),
            R"(f.cfg:1:4: expected an escape for a byte from 1 to 255 in the string, found \x00)");
  EXPECT_NE(lex_error(R"("\00")"), "");
  EXPECT_EQ(string_value(R"("\377")"), "\xff");
  EXPECT_NE(lex_error(R"("\400")"), "");
  EXPECT_EQ(string_value(R"("\x01")"), "\x01");
}

TEST(Lexer, StringsMayHoldLineEndsAndEachOthersQuotes) {
  EXPECT_EQ(string_value("'a\r\nb\nc\"'"), "a\nb\nc\"");
  EXPECT_EQ(string_value("\"a'\t#/*\""), "a'\t#/*");
  EXPECT_EQ(string_value("\"\""), "");
  EXPECT_EQ(string_value("\"\xc3\xa4\""), "\xc3\xa4");
}

TEST(Lexer, UnclosedStrings) {
  EXPECT_EQ(lex_error("x\n  \"abc\n"),
            "f.cfg:2:3: this string is not closed: expected \", found the end of the file");
  EXPECT_EQ(lex_error("'abc"), "f.cfg:1:1: this string is not closed: expected ', found the end of the file");
  EXPECT_NE(lex_error("\"abc\\\""), "");
  EXPECT_NE(lex_error("\"abc\\"), "");
  EXPECT_NE(lex_error("\""), "");
}

TEST(Lexer, Integers) {
  EXPECT_EQ(integer_value("0"), 0U);
  EXPECT_EQ(integer_value("8888"), 8888U);
  EXPECT_EQ(integer_value("0600"), 0600U);
  EXPECT_EQ(integer_value("00"), 0U);
  EXPECT_EQ(integer_value("0x1Ff"), 0x1ffU);
  EXPECT_EQ(integer_value("18446744073709551614"), 18446744073709551614U);
  EXPECT_EQ(integer_value("18446744073709551616"), std::numeric_limits<unsigned long long>::max());
  EXPECT_EQ(integer_value("0xfffffffffffffffff"), std::numeric_limits<unsigned long long>::max());
}

TEST(Lexer, MalformedIntegers) {
  EXPECT_EQ(lex_error(" 089"),
            "f.cfg:1:2: expected an integer (decimal, 0x hexadecimal or 0 octal), found '089'");
  for (const auto text : {"0x", "0X1", "12ab", "0xfg", "0b1", "08", "1_000", "99999999999999999999x"}) {
    EXPECT_NE(lex_error(text), "") << text;
  }
}

TEST(Lexer, NulIsRefusedEverywhere) {
  for (const auto text : {"\0"sv, "a\0"sv, "# \0"sv, "/* \0 */"sv, "\"\0\""sv, "'\0'"sv, "\"\\\0\""sv}) {
    EXPECT_NE(lex_error(text).find("NUL byte"), std::string::npos) << text.size();
  }
}

TEST(Lexer, ControlCharacters) {
  EXPECT_EQ(lex_error("a\n\x01"), "f.cfg:2:1: control character \\x01");
  EXPECT_EQ(lex_error("\"a\x1b\""), "f.cfg:1:3: control character \\x1b");
  EXPECT_NE(lex_error("'\x7f'"), "");
  EXPECT_NE(lex_error("a\rb"), "");
  EXPECT_NE(lex_error("\"a\rb\""), "");
  EXPECT_NE(lex_error("\b"), "");
}

TEST(Lexer, OtherBytesArePunctuation) {
  EXPECT_EQ(lex("{").at(0).found(), "'{'");
  EXPECT_EQ(lex("\xef").at(0).found(), "'\\xef'");
  EXPECT_EQ(lex("_").at(0).found(), "'_'");
}

TEST(Lexer, FoundIsShortAndPrintable) {
  EXPECT_EQ(lex("\"a\nb\"").at(0).found(), "\"a\\nb\"");
  EXPECT_EQ(lex(std::string(60, 'x')).at(0).found(), "'" + std::string(60, 'x') + "'");
  EXPECT_EQ(lex(std::string(61, 'x')).at(0).found(), "'" + std::string(60, 'x') + "...'");
  EXPECT_EQ(Token{}.found(), "the end of the file");
}

}  // namespace
}  // namespace httpd::daemon
