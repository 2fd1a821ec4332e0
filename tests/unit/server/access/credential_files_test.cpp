// Tests of the files with users and tokens. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/credential_files.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

#include "temporary_file.h"

namespace httpd::server {
namespace {

using Kind = CredentialFile::Kind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kToken = "0123456789abcdef";

std::string complaint(Kind kind, std::string_view text, mode_t mode = 0600) {
  const TemporaryFile file(text, mode);
  try {
    const CredentialFile read(kind, file.path());
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(file.path()));
    return error.what();
  }
  return {};
}

TEST(CredentialFileTest, ReadsLinesOfHtpasswd) {
  const TemporaryFile file("# users\n\nalice:" + std::string(kAlice) + "\r\n  \nbob:" + kBob);
  const CredentialFile read(Kind::kPasswords, file.path());
  ASSERT_EQ(read.lines().size(), 2U);
  EXPECT_EQ(read.lines()[0].name, "alice");
  EXPECT_EQ(read.lines()[0].secret, kAlice);
  EXPECT_EQ(read.lines()[1].name, "bob");
  EXPECT_EQ(read.lines()[1].secret, kBob);
}

TEST(CredentialFileTest, ReadsTokens) {
  const TemporaryFile file("prometheus:" + kToken + "\ncli:abcdefghijkl.-_~+/==\n", 0640);
  const CredentialFile read(Kind::kTokens, file.path());
  ASSERT_EQ(read.lines().size(), 2U);
  EXPECT_EQ(read.lines()[0].name, "prometheus");
  EXPECT_EQ(read.lines()[1].secret, "abcdefghijkl.-_~+/==");
}

TEST(CredentialFileTest, NamesTheLineAndShowsNoSecret) {
  EXPECT_THAT(complaint(Kind::kPasswords, "alice:" + std::string(kAlice) + "\nsecret-without-colon\n"),
              AllOf(HasSubstr("line 2: has no ':'"), Not(HasSubstr("secret-without"))));
  EXPECT_THAT(complaint(Kind::kPasswords, "alice:plain-secret\n"),
              AllOf(HasSubstr("auth_file"), HasSubstr("line 1: \"alice\": its password is neither bcrypt"),
                    HasSubstr("htpasswd -B"), Not(HasSubstr("plain-secret"))));
  EXPECT_THAT(complaint(Kind::kPasswords, "alice:$apr1$abcdefgh$0123456789abcdefghijkl\n"),
              HasSubstr("neither"));
  EXPECT_THAT(complaint(Kind::kPasswords, "a:" + std::string(kAlice) + "\na:" + kBob),
              HasSubstr("line 2: \"a\" stands in line 1 already"));
  EXPECT_THAT(complaint(Kind::kPasswords, ":" + std::string(kAlice)), HasSubstr("has no name"));
  EXPECT_THAT(complaint(Kind::kPasswords, "a\x01:" + std::string(kAlice)), HasSubstr("has no name"));
  EXPECT_THAT(complaint(Kind::kPasswords, std::string(256, 'n') + ":" + kAlice), HasSubstr("has no name"));
  EXPECT_THAT(complaint(Kind::kTokens, "cli:tooshort-secret\n"),
              AllOf(HasSubstr("auth_token_file"), HasSubstr("")));
  EXPECT_THAT(complaint(Kind::kTokens, "cli:0123456789abcde\n"),
              AllOf(HasSubstr("no token of at least 16"), Not(HasSubstr("0123456789"))));
  EXPECT_THAT(complaint(Kind::kTokens, "cli:0123456789 abcdef\n"), HasSubstr("no token"));
}

TEST(CredentialFileTest, RefusesFilesThatAreNone) {
  EXPECT_THAT(complaint(Kind::kPasswords, ""), HasSubstr("is empty"));
  EXPECT_THAT(complaint(Kind::kPasswords, "# nobody\n\n"), HasSubstr("has no line with a name"));
  EXPECT_THAT(complaint(Kind::kTokens, "cli:" + kToken, 0644), HasSubstr("chmod o-rwx"));
  EXPECT_THAT(complaint(Kind::kPasswords, "alice:" + std::string(kAlice), 0604), HasSubstr("chmod o-rwx"));
  EXPECT_THROW(CredentialFile(Kind::kPasswords, "/nowhere/users"), ConfigError);
}

TEST(GoodHashTest, IsWholeAndNotTooSlow) {
  std::string why;
  const std::string bcrypt = kAlice;
  EXPECT_TRUE(is_good_hash(bcrypt, why));
  EXPECT_TRUE(is_good_hash("$2b$15" + bcrypt.substr(6), why));
  EXPECT_TRUE(is_good_hash(kBob, why));
  EXPECT_TRUE(is_good_hash("$y$j75$abcdefgh$" + std::string(43, 'x'), why));
  const std::string sha512(86, 'x');
  EXPECT_TRUE(is_good_hash("$6$saltsalt$" + sha512, why));
  for (const std::string& bad : {bcrypt.substr(1),
                                 bcrypt.substr(0, 59),
                                 bcrypt + "x",
                                 "$2y$16" + bcrypt.substr(6),
                                 "$2y$03" + bcrypt.substr(6),
                                 "$2x$04" + bcrypt.substr(6),
                                 bcrypt.substr(0, 50) + "!" + bcrypt.substr(51),
                                 "$6$saltsalt$" + sha512 + "x",
                                 "$6$saltsalt$" + sha512.substr(1),
                                 "$6$" + sha512,
                                 "$6$rounds=999$salt$" + sha512,
                                 "$6$rounds=500001$salt$" + sha512,
                                 "$6$rounds=x$salt$" + sha512,
                                 "$6$seventeenxletters$" + sha512,
                                 "$y$j75$abcdefgh$" + std::string(42, 'x'),
                                 "$y$abcdefgh$" + std::string(43, 'x'),
                                 "$5$saltsalt$" + std::string(43, 'x'),
                                 std::string("$1$salt$x"),
                                 std::string("{SHA}x"),
                                 std::string("*"),
                                 std::string()}) {
    EXPECT_FALSE(is_good_hash(bad, why)) << bad;
    EXPECT_FALSE(why.empty());
  }
}

}  // namespace
}  // namespace httpd::server
