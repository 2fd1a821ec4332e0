// Tests of request targets and of the decoding of paths.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/target.h"

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

using Form = Target::Form;

constexpr std::array kAllMethods = {Method::kGet,     Method::kHead,   Method::kPost,
                                    Method::kPut,     Method::kDelete, Method::kConnect,
                                    Method::kOptions, Method::kTrace,  Method::kPatch};

TEST(ParseTarget, OriginForm) {
  const std::string text = "/mi/a%20b?x=1&y=?/";
  const auto target = parse_target(Method::kPost, text);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, Form::kOrigin);
  EXPECT_EQ(target->authority, "");
  EXPECT_EQ(target->path, "/mi/a%20b");
  EXPECT_TRUE(target->has_query);
  EXPECT_EQ(target->query, "x=1&y=?/");
  EXPECT_EQ(target->path.data(), text.data());
}

TEST(ParseTarget, QueryMayBeAbsentOrEmpty) {
  const auto without = parse_target(Method::kGet, "/");
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->has_query);
  EXPECT_EQ(without->query, "");
  const auto empty = parse_target(Method::kGet, "/?");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->path, "/");
  EXPECT_TRUE(empty->has_query);
  EXPECT_EQ(empty->query, "");
}

TEST(ParseTarget, OriginFormMayBeginWithAnEmptySegment) {
  const auto target = parse_target(Method::kGet, "//host/path");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, Form::kOrigin);
  EXPECT_EQ(target->path, "//host/path");
}

TEST(ParseTarget, AbsoluteForm) {
  const auto target = parse_target(Method::kGet, "http://[::1]:8888/mi?q");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, Form::kAbsolute);
  EXPECT_EQ(target->authority, "[::1]:8888");
  EXPECT_EQ(target->path, "/mi");
  EXPECT_EQ(target->query, "q");
}

TEST(ParseTarget, SchemeInAnyCase) {
  EXPECT_TRUE(parse_target(Method::kGet, "HTTP://h/"));
  EXPECT_TRUE(parse_target(Method::kGet, "hTTpS://h/"));
}

TEST(ParseTarget, AbsoluteFormWithoutAPathMeansTheRoot) {
  for (const std::string_view text : {"http://h", "http://h?q", "http://h:80", "https://h?"}) {
    const auto target = parse_target(Method::kGet, text);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path, "/") << text;
  }
  EXPECT_EQ(parse_target(Method::kGet, "http://h?q/r")->query, "q/r");
  EXPECT_EQ(parse_target(Method::kGet, "http://h?q/r")->authority, "h");
}

TEST(ParseTarget, AbsoluteFormThatIsRefused) {
  for (const std::string_view text :
       {"http:",           "http:/",      "http://",      "http:///path",    "http://?q",
        "http:/h/",        "http:h",      "ftp://h/",     "httpx://h/",      "htt://h/",
        "://h/",           "http//h/",    "http://:80/",  "http://user@h/",  "http://u:p@h/",
        "http://h:65536/", "http://h:x/", "http://[::1/", "http://h#f",      "http://h/#f",
        "http://h\\/",     "http://h /",  "mi",           "www.example.com", "h:80"}) {
    EXPECT_FALSE(parse_target(Method::kGet, text)) << text;
  }
}

TEST(ParseTarget, AuthorityFormIsForConnectAlone) {
  for (const Method method : kAllMethods) {
    EXPECT_EQ(parse_target(method, "example.com:443").has_value(), method == Method::kConnect);
    EXPECT_EQ(parse_target(method, "/").has_value(), method != Method::kConnect);
    EXPECT_EQ(parse_target(method, "http://h/").has_value(), method != Method::kConnect);
  }
  const auto target = parse_target(Method::kConnect, "[::1]:443");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, Form::kAuthority);
  EXPECT_EQ(target->authority, "[::1]:443");
  EXPECT_EQ(target->path, "");
}

TEST(ParseTarget, AuthorityFormNeedsHostAndPort) {
  for (const std::string_view text :
       {"", "h", "h:", "h:0", "h:65536", ":443", "u@h:443", "h:443/", "h:443?", "*"}) {
    EXPECT_FALSE(parse_target(Method::kConnect, text)) << text;
  }
}

TEST(ParseTarget, AsteriskFormIsForOptionsAlone) {
  for (const Method method : kAllMethods) {
    EXPECT_EQ(parse_target(method, "*").has_value(), method == Method::kOptions);
  }
  const auto target = parse_target(Method::kOptions, "*");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, Form::kAsterisk);
  EXPECT_EQ(target->path, "");
  EXPECT_FALSE(parse_target(Method::kOptions, "**"));
  EXPECT_FALSE(parse_target(Method::kOptions, "*?"));
  EXPECT_FALSE(parse_target(Method::kOptions, ""));
}

TEST(ParseTarget, EveryByteInPathAndQuery) {
  const std::string_view path_only = "!$&'()*+,-./:;=@_~";
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool alphanumeric =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    const bool in_path = alphanumeric || (c != 0 && path_only.find(byte) != std::string_view::npos);
    const bool in_query = in_path || byte == '?' || byte == '[' || byte == ']';
    const std::string text{'/', byte};
    EXPECT_EQ(parse_target(Method::kGet, text).has_value(), in_path || byte == '?') << c;
    EXPECT_EQ(parse_target(Method::kGet, "/?" + text).has_value(), in_query) << c;
  }
}

TEST(ParseTarget, EscapesAreWhole) {
  EXPECT_TRUE(parse_target(Method::kGet, "/%00%fF?%2f"));
  for (const std::string_view text :
       {"/%", "/%4", "/%4?", "/%g0", "/%0g", "/?%", "/?%4", "/?%zz", "/%%41", "/%?41"}) {
    EXPECT_FALSE(parse_target(Method::kGet, text)) << text;
  }
}

std::string decoded(std::string_view raw) {
  std::string out = "left from before";
  if (!decode_path(raw, out)) {
    EXPECT_EQ(out, "");
    return "refused";
  }
  return out;
}

TEST(DecodePath, DecodesOnce) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("/"), "/");
  EXPECT_EQ(decoded("/a%20b/%41+c"), "/a b/A+c");
  EXPECT_EQ(decoded("/%252e%252e/%2541"), "/%2e%2e/%41");
  EXPECT_EQ(decoded("/%C3%A4/%E2%82%ac/%f0%9f%98%80"), "/\xC3\xA4/\xE2\x82\xAC/\xF0\x9F\x98\x80");
}

TEST(DecodePath, EmptySegmentsStay) {
  EXPECT_EQ(decoded("//a///"), "//a///");
}

TEST(DecodePath, DotsInsideSegmentsStay) {
  for (const std::string_view path : {"/...", "/.a", "/a.", "/a..", "/..a", "/a/.../b", "/.../"}) {
    EXPECT_EQ(decoded(path), path);
  }
}

TEST(DecodePath, DotSegmentsAreRefused) {
  for (const std::string_view text :
       {".", "..", "/.", "/..", "/./", "/../", "/a/.", "/a/..", "/a/./b", "/a/../b", "/%2e", "/%2E%2e",
        "/.%2e/a", "/%2e./a", "/a/%2e%2E", "../a", "//.."}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

TEST(DecodePath, HiddenSeparatorsAreRefused) {
  for (const std::string_view text : {"/a%2fb", "/a%2Fb", "/%2f", "/a%5cb", "/a%5Cb", "/a\\b", "/\\",
                                      "/..%2fa", "/..%5ca", "/%2e%2e%2fa"}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

TEST(DecodePath, ControlCharactersAreRefused) {
  for (const std::string_view text : {"/%00", "/a%00.html", "/%01", "/%0a", "/%0d%0a", "/%1f", "/%7f",
                                      "/a\nb", "/a\x7f", "/%c2%80", "/%C2%9b31m", "/%c2%9f"}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

TEST(DecodePath, MalformedEscapesAreRefused) {
  for (const std::string_view text : {"/%", "/%4", "/a%", "/%zz", "/%4/1", "/%u0041"}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

TEST(DecodePath, IllFormedUtf8IsRefused) {
  for (const std::string_view text :
       {"/%80", "/%ff", "/%c3", "/%c3/%a4", "/%c3x", "/%c0%af", "/%c0%ae%c0%ae", "/%e0%80%af",
        "/%f0%80%80%af", "/%ed%a0%80", "/%f4%90%80%80", "/%e2%82", "/\xC3(", "/\xFE"}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

TEST(DecodePath, LiteralNulIsRefused) {
  EXPECT_EQ(decoded(std::string_view("/a\0b", 4)), "refused");
}

TEST(DecodePath, FirstCharactersAboveTheControlsAreTaken) {
  EXPECT_EQ(decoded("/%20%7e%c2%a0"), "/ ~\xC2\xA0");
}

TEST(DecodePath, LongPathsTakeLinearTime) {
  std::string raw;
  std::string expected;
  for (int i = 0; i < 200000; ++i) {
    raw += "/%61.";
    expected += "/a.";
  }
  EXPECT_EQ(decoded(raw), expected);
}

}  // namespace
}  // namespace httpd::http
