// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

namespace httpd::server {
namespace {

using http::Refusal;

AccessSettings settings(const char* username, const char* password) {
  AccessSettings result;
  result.username = username;
  result.password = password;
  result.username_given = result.password_given = true;
  return result;
}

/// A request with these Authorization fields.
class Asking {
 public:
  explicit Asking(std::initializer_list<std::string_view> values) {
    text_ = "GET /mi HTTP/1.1\r\nHost: x\r\n";
    for (const std::string_view value : values)
      text_ += "authorization: " + std::string(value) + "\r\n";
    text_ += "\r\n";
    EXPECT_EQ(parser_.parse_head(text_), http::RequestParser::State::kComplete);
  }
  [[nodiscard]] Refusal of(const Access& access) const { return access.decide(parser_.head()); }

 private:
  http::Limits limits_;
  http::RequestParser parser_{limits_};
  std::string text_;
};

constexpr const char kUserPassword[] = "Basic dXNlcjpwYXNzd29yZA==";  // user:password

TEST(AccessTest, OpenUnlessConfigured) {
  EXPECT_EQ(Asking({}).of(Access({})), Refusal::kNone);
  EXPECT_EQ(Asking({"Basic !"}).of(Access({})), Refusal::kNone);
}

TEST(AccessTest, LetsTheRightOnesIn) {
  const Access access(settings("user", "password"));
  EXPECT_EQ(Asking({kUserPassword}).of(access), Refusal::kNone);
}

TEST(AccessTest, RefusesTheOthers) {
  const Access access(settings("user", "password"));
  EXPECT_EQ(Asking({}).of(access), Refusal::kNoCredentials);
  for (const char* const value :
       {"Basic dXNlcjpwYXNzd29yZA",
        "Basic dXNlcjpwYXNzd29yRA==", "Basic VXNlcjpwYXNzd29yZA==", "Basic dXNlcjpwYXNzd29y",
        "Basic dXNlcjpwYXNzd29yZHg=", "Basic dXNlcjo=", "Basic Og==", "Bearer x", "Basic"})
    EXPECT_EQ(Asking({value}).of(access), Refusal::kWrongCredentials) << value;
}

TEST(AccessTest, OneHalfRightIsWrong) {
  EXPECT_EQ(Asking({kUserPassword}).of(Access(settings("user", "other"))), Refusal::kWrongCredentials);
  EXPECT_EQ(Asking({kUserPassword}).of(Access(settings("other", "password"))), Refusal::kWrongCredentials);
}

TEST(AccessTest, TwoFieldsAreWrongWhateverTheySay) {
  EXPECT_EQ(Asking({kUserPassword, kUserPassword}).of(Access(settings("user", "password"))),
            Refusal::kWrongCredentials);
}

TEST(AccessTest, AnEmptyPasswordIsAPassword) {
  const Access access(settings("user", ""));
  EXPECT_EQ(Asking({"Basic dXNlcjo="}).of(access), Refusal::kNone);
  EXPECT_EQ(Asking({kUserPassword}).of(access), Refusal::kWrongCredentials);
}

TEST(AccessTest, HalfASettingIsAnError) {
  AccessSettings half = settings("user", "password");
  EXPECT_NO_THROW(check_access(half));
  EXPECT_NO_THROW(check_access({}));
  half.password_given = false;
  EXPECT_THROW(check_access(half), ConfigError);
  half.password_given = true;
  half.username_given = false;
  EXPECT_THROW(check_access(half), ConfigError);
  EXPECT_THROW(check_access(settings("", "password")), ConfigError);
}

}  // namespace
}  // namespace httpd::server
