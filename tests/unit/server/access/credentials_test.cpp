// Tests of users and tokens. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/credentials.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

#include "temporary_file.h"

namespace httpd::server {
namespace {

AuthSettings plain(std::string_view username, std::string_view password) {
  AuthSettings settings;
  settings.username = username;
  settings.password.assign(password.begin(), password.end());
  settings.username_given = settings.password_given = true;
  return settings;
}

TEST(CredentialsTest, ThePlainUserIsRightAltogether) {
  const Credentials credentials(plain("user", "password"));
  EXPECT_TRUE(credentials.have_passwords());
  EXPECT_FALSE(credentials.have_tokens());
  EXPECT_TRUE(credentials.is_plain_user("user", "password"));
  for (const auto& [user, password] :
       std::initializer_list<std::pair<const char*, const char*>>{{"user", "Password"},
                                                                  {"user", ""},
                                                                  {"", "password"},
                                                                  {"", ""},
                                                                  {"User", "password"},
                                                                  {"user", "password "}})
    EXPECT_FALSE(credentials.is_plain_user(user, password)) << user << ':' << password;
  EXPECT_TRUE(Credentials(plain("user", "")).is_plain_user("user", ""));
  EXPECT_EQ(credentials.text(), "1 user and 0 tokens");
}

TEST(CredentialsTest, HalfASettingIsAnError) {
  AuthSettings half = plain("user", "password");
  EXPECT_NO_THROW(check_auth(half));
  EXPECT_NO_THROW(check_auth({}));
  half.password_given = false;
  EXPECT_THROW(check_auth(half), ConfigError);
  half.password_given = true;
  half.username_given = false;
  EXPECT_THROW(check_auth(half), ConfigError);
  EXPECT_THROW(check_auth(plain("", "password")), ConfigError);
}

TEST(CredentialsTest, AStrangerIsComparedWithSomebodysHash) {
  const TemporaryFile file("alice:" + std::string(kAlice) + "\nbob:" + kBob);
  AuthSettings settings;
  settings.file = file.path();
  const Credentials credentials(settings);
  bool is_known = false;
  EXPECT_EQ(credentials.hash_of("bob", is_known), kBob);
  EXPECT_TRUE(is_known);
  EXPECT_EQ(credentials.hash_of("mallory", is_known), kAlice);
  EXPECT_FALSE(is_known);
  EXPECT_FALSE(credentials.is_plain_user("", ""));
  EXPECT_EQ(credentials.text(), "2 users and 0 tokens");
  EXPECT_EQ(credentials.digest_of("ecila", kAlice), credentials.digest_of("ecila", kAlice));
  EXPECT_NE(credentials.digest_of("ecila", kAlice), credentials.digest_of("ecilb", kAlice));
  EXPECT_NE(credentials.digest_of("ecila", kAlice), Credentials(settings).digest_of("ecila", kAlice))
      << "each has a key of its own";
}

TEST(CredentialsTest, AHashAtTheVeryEndOfAPageIsReadNoFurther) {
  const std::string line = "\nalice:" + std::string(kAlice);
  const TemporaryFile file("#" + std::string(4096 - 1 - line.size(), 'x') + line);
  AuthSettings settings;
  settings.file = file.path();
  const Credentials credentials(settings);
  bool is_known = false;
  const auto hash = credentials.hash_of("alice", is_known);
  ASSERT_EQ(hash, kAlice);
  EXPECT_EQ(credentials.digest_of("ecila", *hash), credentials.digest_of("ecila", kAlice));
}

TEST(CredentialsTest, TokensHaveNames) {
  const TemporaryFile file("one:0123456789abcdef\ntwo:fedcba9876543210\n");
  AuthSettings settings;
  settings.token_file = file.path();
  EXPECT_TRUE(settings.configured());
  const Credentials credentials(settings);
  EXPECT_TRUE(credentials.have_tokens());
  EXPECT_FALSE(credentials.have_passwords());
  EXPECT_EQ(credentials.who_has_token("fedcba9876543210"), "two");
  for (const char* const token : {"", "fedcba9876543211", "fedcba987654321", "two", "one:0123456789abcdef"})
    EXPECT_FALSE(credentials.who_has_token(token)) << token;
  EXPECT_THAT(files_of(settings), ::testing::ElementsAre(file.path()));
}

TEST(CredentialsTest, OneUserIsNotToldTwice) {
  const TemporaryFile file("alice:" + std::string(kAlice));
  AuthSettings settings = plain("alice", "x");
  settings.file = file.path();
  EXPECT_THROW(Credentials{settings}, ConfigError);
}

TEST(SameSecretTest, ComparesWholeTexts) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "ab"));
}

}  // namespace
}  // namespace httpd::server
