// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/basic_credentials.h"

#include <gtest/gtest.h>

namespace httpd::http {
namespace {

TEST(BasicCredentialsTest, ReadsUserAndPassword) {
  const auto found = parse_basic_credentials("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 section 2
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "Aladdin");
  EXPECT_EQ(found->password, "open sesame");
}

TEST(BasicCredentialsTest, TheSchemeHasNoCaseAndMoreBlanksMayFollow) {
  EXPECT_TRUE(parse_basic_credentials("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

TEST(BasicCredentialsTest, ThePasswordMayHaveColonsAndUtf8) {
  const auto found = parse_basic_credentials("Basic dTphOmI6w6k=");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "u");
  EXPECT_EQ(found->password, "a:b:\xc3\xa9");
}

TEST(BasicCredentialsTest, EmptyPartsAreParts) {
  const auto found = parse_basic_credentials("Basic Og==");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->user, "");
  EXPECT_EQ(found->password, "");
}

TEST(BasicCredentialsTest, RefusesEverythingElse) {
  for (const char* const value :
       {"", "Basic", "Basic ", "Basic      ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "BasicQWxhZGRpbjpvcGVu",
        "Basic\tQWxhZGRpbjpvcGVu", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Basic QWxh ZGRpbjpvcGVu",
        "Basic QWxhZGRpbg==", "Basic ====", "Basic !!!!", "Basic dTpw,",
        "Basic dQA6cA==", "Basic dTpwCg==", "Basic dTpw extra"})
    EXPECT_FALSE(parse_basic_credentials(value)) << '"' << value << '"';
}

TEST(BasicCredentialsTest, AsksWithAQuotedRealm) {
  EXPECT_EQ(basic_challenge("OpenSIPS MI"), R"(Basic realm="OpenSIPS MI", charset="UTF-8")");
  EXPECT_EQ(basic_challenge(R"(a "b" \c)"), R"(Basic realm="a \"b\" \\c", charset="UTF-8")");
}

}  // namespace
}  // namespace httpd::http
