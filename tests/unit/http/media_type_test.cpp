// Tests of Content-Type values.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/media_type.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

MediaType parse(std::string_view value) {
  MediaType out{"left/over", "from", true};
  const bool ok = parse_media_type(value, out);
  EXPECT_EQ(ok, !out.malformed) << value;
  return out;
}

TEST(MediaType, EssenceIsInLowerCaseWithoutParameters) {
  EXPECT_EQ(parse("Application/JSON").essence, "application/json");
  EXPECT_EQ(parse(" text/plain\t; charset=UTF-8").essence, "text/plain");
  EXPECT_EQ(parse("text/xml;charset=\"utf-8\";").essence, "text/xml");
  EXPECT_EQ(parse("application/vnd.a-b_c.1+json").essence, "application/vnd.a-b_c.1+json");
}

TEST(MediaType, AbsentIsNotMalformed) {
  EXPECT_EQ(parse("").essence, "");
  EXPECT_FALSE(parse("").malformed);
  EXPECT_FALSE(parse(" \t").malformed);
}

TEST(MediaType, MalformedValues) {
  for (const std::string_view text :
       {"json", "/", "a/", "/b", "a/b/c", "a /b", "a/ b", "a b/c", "a/b c", "a/b, c/d", "a/b;c",
        "a/b;c=", "a/b;c=\"", "a/b;c=d e", ";charset=utf-8", "a/b\x7f", "\xC3/b", "a/b(c)"}) {
    const MediaType type = parse(text);
    EXPECT_TRUE(type.malformed) << text;
    EXPECT_EQ(type.essence, "");
    EXPECT_EQ(type.boundary, "");
  }
}

TEST(MediaType, MalformedBoundaries) {
  for (const std::string_view text :
       {"multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=a; boundary=a", "multipart/form-data; boundary=a; Boundary=b",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=\"a;b\"",
        "multipart/form-data; boundary=a*b", "multipart/form-data; boundary=\"a\xC3\xA4\"",
        "multipart/form-data; boundary=a:b", "multipart/form-data; boundary=\"a\\\tb\"",
        "multipart/form-data; boundary=a;x"}) {
    const MediaType type = parse(text);
    EXPECT_TRUE(type.malformed) << text;
    EXPECT_EQ(type.essence, "");
    EXPECT_EQ(type.boundary, "");
  }
}

TEST(MediaType, Boundary) {
  EXPECT_EQ(parse("multipart/form-data; boundary=----WebKitFormBoundaryAb12").boundary,
            "----WebKitFormBoundaryAb12");
  EXPECT_EQ(parse("Multipart/Form-Data; charset=x; BOUNDARY=\"a b'()+_,-./:=?c\"").boundary,
            "a b'()+_,-./:=?c");
  EXPECT_EQ(parse("multipart/form-data; boundary=\"\\a\\b\"").boundary, "ab");
  EXPECT_EQ(parse("multipart/form-data").boundary, "");
  EXPECT_FALSE(parse("multipart/form-data").malformed);
}

TEST(MediaType, BoundaryHasAtMost70Characters) {
  const std::string longest(70, 'b');
  EXPECT_EQ(parse("multipart/form-data; boundary=" + longest).boundary, longest);
  EXPECT_TRUE(parse("multipart/form-data; boundary=" + longest + "b").malformed);
}

TEST(MediaType, BoundaryOfAnotherTypeMeansNothing) {
  const MediaType type = parse("text/plain; boundary=\"\"; boundary=x");
  EXPECT_FALSE(type.malformed);
  EXPECT_EQ(type.boundary, "");
}

TEST(MediaType, IsValidBoundary) {
  EXPECT_TRUE(is_valid_boundary("a"));
  EXPECT_TRUE(is_valid_boundary(" a"));
  EXPECT_FALSE(is_valid_boundary(""));
  EXPECT_FALSE(is_valid_boundary(" "));
  EXPECT_FALSE(is_valid_boundary("a\r\n"));
  EXPECT_FALSE(is_valid_boundary(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_valid_boundary(std::string(70, 'a')));
  EXPECT_FALSE(is_valid_boundary(std::string(71, 'a')));
}

TEST(MediaType, Json) {
  for (const std::string_view essence :
       {"application/json", "application/json-rpc", "application/jsonrequest", "a/b+json"}) {
    EXPECT_TRUE(is_json(essence)) << essence;
  }
  for (const std::string_view essence : {"", "text/json", "application/jsonx", "application/xml", "a/json"}) {
    EXPECT_FALSE(is_json(essence)) << essence;
  }
}

TEST(MediaType, XmlAndText) {
  EXPECT_TRUE(is_xml("text/xml"));
  EXPECT_TRUE(is_xml("application/xml"));
  EXPECT_TRUE(is_xml("application/soap+xml"));
  EXPECT_FALSE(is_xml("application/xmlx"));
  EXPECT_FALSE(is_xml(""));
  EXPECT_TRUE(is_text("text/plain"));
  EXPECT_TRUE(is_text("text/xml"));
  EXPECT_FALSE(is_text("application/text"));
  EXPECT_FALSE(is_text(""));
}

TEST(MediaType, Forms) {
  EXPECT_TRUE(is_urlencoded_form("application/x-www-form-urlencoded"));
  EXPECT_FALSE(is_urlencoded_form("application/x-www-form-urlencoded2"));
  EXPECT_FALSE(is_urlencoded_form("multipart/form-data"));
  EXPECT_TRUE(is_multipart_form("multipart/form-data"));
  EXPECT_FALSE(is_multipart_form("multipart/mixed"));
}

}  // namespace
}  // namespace httpd::http
