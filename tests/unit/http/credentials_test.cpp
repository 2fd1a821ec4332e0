// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/credentials.h"

#include <gtest/gtest.h>

#include "http/wipe.h"

namespace httpd::http {
namespace {

TEST(BasicCredentialsTest, ReadsUserAndPassword) {
  std::string decoded;
  const auto found =
      parse_basic_credentials("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", decoded);  // RFC 7617 section 2
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "Aladdin");
  EXPECT_EQ(found->password, "open sesame");
}

TEST(BasicCredentialsTest, TheSchemeHasNoCaseAndMoreBlanksMayFollow) {
  std::string decoded;
  EXPECT_TRUE(parse_basic_credentials("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ==", decoded));
}

TEST(BasicCredentialsTest, ThePasswordMayHaveColonsAndUtf8) {
  std::string decoded;
  const auto found = parse_basic_credentials("Basic dTphOmI6w6k=", decoded);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "u");
  EXPECT_EQ(found->password, "a:b:\xc3\xa9");
}

TEST(BasicCredentialsTest, EmptyPartsAreParts) {
  std::string decoded;
  const auto found = parse_basic_credentials("Basic Og==", decoded);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "");
  EXPECT_EQ(found->password, "");
}

TEST(BasicCredentialsTest, RefusesEverythingElse) {
  std::string decoded;
  for (const char* const value :
       {"", "Basic", "Basic ", "Basic      ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "BasicQWxhZGRpbjpvcGVu",
        "Basic\tQWxhZGRpbjpvcGVu", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic QWxh ZGRpbjpvcGVu",
        "Basic QWxhZGRpbg==", "Basic ====", "Basic !!!!", "Basic dTpw,",
        "Basic dQA6cA==", "Basic dTpwCg==", "Basic dTpw extra"})
    EXPECT_FALSE(parse_basic_credentials(value, decoded)) << '"' << value << '"';
}

TEST(BasicCredentialsTest, AsksWithAQuotedRealm) {
  EXPECT_EQ(basic_challenge("OpenSIPS MI"), R"(Basic realm="OpenSIPS MI", charset="UTF-8")");
  EXPECT_EQ(basic_challenge(R"(a "b" \c)"), R"(Basic realm="a \"b\" \\c", charset="UTF-8")");
}

TEST(BearerTokenTest, ReadsTheToken) {
  EXPECT_EQ(parse_bearer_token("Bearer mF_9.B5f-4.1JqM"), "mF_9.B5f-4.1JqM");  // RFC 6750 section 2.1
  EXPECT_EQ(parse_bearer_token("bearer   a~+/=="), "a~+/==");
}

TEST(BearerTokenTest, RefusesEverythingElse) {
  for (const char* const value : {"", "Bearer", "Bearer ", "Bearer =", "Bearer a b", "Bearer a,b",
                                  "Bearer a=b", "Bearer\ta", "Basic abc", "BearerX abc", "Bearer \xc3\xa9"})
    EXPECT_FALSE(parse_bearer_token(value)) << '"' << value << '"';
}

TEST(BearerTokenTest, AsksWithAQuotedRealm) {
  EXPECT_EQ(bearer_challenge(R"(a "b")"), R"(Bearer realm="a \"b\"")");
}

TEST(WipeTest, LeavesNothingInMemory) {
  std::string text(100, 'x');
  const char* const memory = text.data();
  text.resize(3);
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.data(), memory);
  text.resize(100, 'y');
  EXPECT_EQ(std::string_view(text).find('x'), std::string_view::npos);
}

}  // namespace
}  // namespace httpd::http
