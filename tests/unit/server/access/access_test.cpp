// Tests of the one place that decides: its order, and credentials. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/access.h"

#include <gmock/gmock.h>
#include <optional>
#include <poll.h>

#include <httpd/module.h>

#include "request.h"
#include "server/access/credential_check.h"
#include "server/settings.h"
#include "temporary_file.h"

namespace httpd::server {
namespace {

using http::Refusal;

constexpr const char kUserPassword[] = "Authorization: Basic dXNlcjpwYXNzd29yZA==";  // user:password
constexpr const char kUserWrong[] = "Authorization: Basic dXNlcjp3cm9uZw==";         // user:wrong
constexpr const char kAliceRight[] = "Authorization: Basic YWxpY2U6ZWNpbGE=";        // alice:ecila
constexpr const char kAliceWrong[] = "Authorization: Basic YWxpY2U6d3Jvbmc=";        // alice:wrong
constexpr const char kMallory[] = "Authorization: Basic bWFsbG9yeTplY2lsYQ==";       // mallory:ecila

class NoHandler final : public Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet, Method::kPost}; }
  void handle(const Request& /*request*/, Reply /*reply*/) override {}
};

class AccessTest : public ::testing::Test, private CredentialCheck::Owner {
 protected:
  AccessTest() {
    for (const char* const root : {"mi", "metrics"})
      router.add("test", root, std::make_unique<NoHandler>());
  }
  void plain() {
    AuthSettings& auth = settings.access.auth;
    auth.username = "user";
    const std::string_view password = "password";
    auth.password.assign(password.begin(), password.end());
    auth.username_given = auth.password_given = true;
  }
  void rule(const char* text) { settings.access.rules.push_back(AccessRule::parse(text)); }
  Access& access() {
    if (access_) return *access_;
    admission.emplace(settings, loop);
    place = admission->enter(client);
    access_.emplace(settings.access, router, *admission, loop, statistics);
    access_->use(settings.access.auth.configured() ? std::make_shared<const Credentials>(settings.access.auth)
                                                   : nullptr);
    return *access_;
  }
  /// What becomes of a request, once it is known.
  Refusal ask(std::string_view begin, std::initializer_list<std::string_view> fields = {},
              std::string_view host = "a.example") {
    Access& judge = access();
    const TestHead request(begin, fields, host);
    const Access::Visitor visitor{request.head(), router.find(request.head().target.path), client,
                                  tls ? &*tls : nullptr, place};
    Access::Verdict verdict = judge.decide(visitor);
    retry_after = verdict.retry_after;
    was_slow = verdict.check != nullptr;
    if (was_slow) {
      verdict.check->start(*this);
      for (int turns = 0; !verdict.check->done() && turns < 3000; ++turns) {
        pollfd loop_fd{loop.descriptor(), POLLIN, 0};
        ::poll(&loop_fd, 1, 10);
        loop.run_once();
      }
      const std::unique_ptr<CredentialCheck> check = std::move(verdict.check);
      verdict = judge.conclude(visitor, *check);
    }
    user = verdict.user;
    return verdict.refusal;
  }
  [[nodiscard]] std::uint64_t count(Statistics::Name counter) const { return statistics.value(counter); }

  net::EventLoop loop;
  Settings settings;
  Router router;
  Statistics statistics;
  net::Address client = *net::Address::parse("192.0.2.1", 4711);
  std::optional<TlsSession> tls;
  std::optional<Admission> admission;
  Admission::Place place;
  std::string user;
  std::chrono::seconds retry_after{};
  bool was_slow = false;

 private:
  void on_credentials_checked() noexcept override {}
  std::optional<Access> access_;
};

TEST_F(AccessTest, OpenUnlessConfigured) {
  EXPECT_EQ(ask("POST /mi"), Refusal::kNone);
  EXPECT_EQ(ask("POST /mi", {"Authorization: Basic !"}), Refusal::kNone);
}

TEST_F(AccessTest, LetsTheRightOnesIn) {
  plain();
  EXPECT_EQ(ask("GET /mi", {kUserPassword}), Refusal::kNone);
  EXPECT_EQ(user, "user");
  EXPECT_FALSE(was_slow);
  EXPECT_EQ(count(Statistics::kAuthFailures), 0U);
}

TEST_F(AccessTest, RefusesTheOthers) {
  plain();
  settings.access.max_auth_failures = 0;
  EXPECT_EQ(ask("GET /mi"), Refusal::kNoCredentials);
  for (const char* const value :
       {"Basic dXNlcjpwYXNzd29yZA",
        "Basic dXNlcjpwYXNzd29yRA==", "Basic VXNlcjpwYXNzd29yZA==", "Basic dXNlcjpwYXNzd29y",
        "Basic dXNlcjpwYXNzd29yZHg=", "Basic dXNlcjo=", "Basic Og==", "Bearer 0123456789abcdef", "Basic", ""})
    EXPECT_EQ(ask("GET /mi", {"Authorization: " + std::string(value)}), Refusal::kWrongCredentials) << value;
  EXPECT_EQ(ask("GET /mi", {kUserPassword, kUserPassword}), Refusal::kWrongCredentials);
  EXPECT_EQ(ask("GET /nowhere"), Refusal::kNoCredentials);
  EXPECT_EQ(count(Statistics::kAuthFailures), 13U);
}

TEST_F(AccessTest, HashesAreMadeBesideTheLoopAndOnlyOnce) {
  const TemporaryFile file("alice:" + std::string(kAlice));
  settings.access.auth.file = file.path();
  EXPECT_EQ(ask("GET /mi", {kAliceWrong}), Refusal::kWrongCredentials);
  EXPECT_TRUE(was_slow);
  EXPECT_EQ(ask("GET /mi", {kAliceRight}), Refusal::kNone);
  EXPECT_TRUE(was_slow);
  EXPECT_EQ(user, "alice");
  EXPECT_EQ(ask("GET /mi", {kAliceRight}), Refusal::kNone);
  EXPECT_FALSE(was_slow) << "it is known to be right";
  EXPECT_EQ(ask("GET /mi", {kMallory}), Refusal::kWrongCredentials) << "with another's password";
  EXPECT_TRUE(was_slow) << "who is a stranger takes as long";
  EXPECT_EQ(ask("GET /mi", {kAliceWrong}), Refusal::kWrongCredentials);
  access().use(std::make_shared<const Credentials>(settings.access.auth));
  EXPECT_EQ(ask("GET /mi", {kAliceRight}), Refusal::kNone);
  EXPECT_TRUE(was_slow) << "the files were read again";
}

TEST_F(AccessTest, ThePlainUserIsNotToldFromOthersByTime) {
  const TemporaryFile file("alice:" + std::string(kAlice));
  settings.access.auth.file = file.path();
  plain();
  EXPECT_EQ(ask("GET /mi", {kUserPassword}), Refusal::kNone);
  EXPECT_EQ(ask("GET /mi", {kUserWrong}), Refusal::kWrongCredentials);
  EXPECT_TRUE(was_slow);
}

TEST_F(AccessTest, TokensAreCredentials) {
  const TemporaryFile file("prometheus:0123456789abcdef\n");
  settings.access.auth.token_file = file.path();
  rule("root=mi; users=somebody");
  EXPECT_EQ(ask("GET /metrics", {"Authorization: Bearer 0123456789abcdef"}), Refusal::kNone);
  EXPECT_EQ(user, "prometheus");
  EXPECT_EQ(ask("GET /mi", {"Authorization: Bearer 0123456789abcdef"}), Refusal::kUserRefused);
  EXPECT_EQ(ask("GET /metrics", {"Authorization: Bearer 0123456789abcdeF"}), Refusal::kWrongCredentials);
  EXPECT_EQ(ask("GET /metrics", {kUserPassword}), Refusal::kWrongCredentials);
  EXPECT_THAT(access().challenges(), ::testing::ElementsAre("Bearer realm=\"OpenSIPS MI\""));
}

TEST_F(AccessTest, WhoIsWrongTooOftenWaitsAndIsThenRefused) {
  plain();
  settings.access.max_auth_failures = 2;
  settings.access.auth_failure_delay = std::chrono::seconds(6);
  EXPECT_EQ(ask("GET /mi", {kUserPassword}), Refusal::kNone);
  EXPECT_EQ(ask("GET /mi"), Refusal::kNoCredentials) << "not an attempt";
  EXPECT_EQ(ask("GET /mi", {kUserWrong}), Refusal::kWrongCredentials);
  EXPECT_EQ(ask("GET /mi", {kUserWrong}), Refusal::kWrongCredentials);
  // The next has to wait for six seconds, the one after it would for twelve.
  const TestHead request("GET /mi", {kUserWrong});
  const Access::Visitor visitor{request.head(), nullptr, client, nullptr, place};
  const Access::Verdict waiting = access().decide(visitor);
  EXPECT_NE(waiting.check, nullptr);
  EXPECT_EQ(ask("GET /mi", {kUserPassword}), Refusal::kTooManyAttempts) << "right ones are not told";
  EXPECT_NEAR(static_cast<double>(retry_after.count()), 12, 1);
  EXPECT_EQ(count(Statistics::kAuthThrottled), 2U);
  client = *net::Address::parse("192.0.2.2", 1);
  EXPECT_EQ(ask("GET /mi", {kUserPassword}), Refusal::kNone) << "others are not concerned";
}

TEST_F(AccessTest, AnAttemptIsMadeWhenItsTurnHasCome) {
  plain();
  settings.access.max_auth_failures = 1;
  settings.access.auth_failure_delay = std::chrono::seconds(1);
  EXPECT_EQ(ask("GET /mi", {kUserWrong}), Refusal::kWrongCredentials);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ask("GET /mi", {kUserPassword}), Refusal::kNone);
  EXPECT_TRUE(was_slow);
  EXPECT_GT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
}

// Everything is wrong with this request; what comes first is told, and is then put right.
TEST_F(AccessTest, TheOrderIsAddressLimitsHostCertificateCredentialsUserOrigin) {
  plain();
  settings.max_request_rate = 1;
  settings.access.allowed_hosts.add("a.example");
  rule("root=mi; deny=192.0.2.1; client_cert=on; users=somebody");
  std::initializer_list<std::string_view> fields{"Origin: https://evil.example"};
  std::initializer_list<std::string_view> with_user{"Origin: https://evil.example", kUserPassword};
  EXPECT_EQ(ask("POST /mi", fields, "b.example"), Refusal::kAddressRefused);
  client = *net::Address::parse("192.0.2.2", 1);
  EXPECT_EQ(ask("POST /mi", fields, "b.example"), Refusal::kUnknownHost)
      << "and that has cost the only request";
  EXPECT_EQ(ask("POST /mi", fields, "b.example"), Refusal::kTooManyRequests);
  std::this_thread::sleep_for(std::chrono::milliseconds(1010));
  loop.refresh_time();
  EXPECT_EQ(ask("POST /mi", fields), Refusal::kNoCertificate);
  tls.emplace();
  const auto again = [&](std::initializer_list<std::string_view> given) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1010));
    loop.refresh_time();
    return ask("POST /mi", given);
  };
  EXPECT_EQ(again(fields), Refusal::kNoCertificate) << "TLS alone is none";
  tls->client_fingerprint = "00ff";
  EXPECT_EQ(again(fields), Refusal::kNoCredentials);
  EXPECT_EQ(again(with_user), Refusal::kUserRefused);
  EXPECT_EQ(count(Statistics::kAccessRefusals), 5U);
  EXPECT_EQ(count(Statistics::kRateRefusals), 1U);
}

TEST_F(AccessTest, TheOriginIsLast) {
  plain();
  EXPECT_EQ(ask("POST /mi", {"Origin: https://evil.example"}), Refusal::kNoCredentials);
  EXPECT_EQ(ask("POST /mi", {"Origin: https://evil.example", kUserPassword}), Refusal::kForeignOrigin);
}

TEST_F(AccessTest, APreflightNeedsNoCredentials) {
  plain();
  rule("root=mi; cors_origins=https://good.example; users=user");
  EXPECT_EQ(ask("OPTIONS /mi", {"Origin: https://good.example", "Access-Control-Request-Method: POST"}),
            Refusal::kNone);
  EXPECT_EQ(ask("OPTIONS /mi", {"Origin: https://evil.example", "Access-Control-Request-Method: POST"}),
            Refusal::kNoCredentials)
      << "strangers learn nothing";
  EXPECT_EQ(ask("OPTIONS /metrics", {"Origin: http://a.example", "Access-Control-Request-Method: POST"}),
            Refusal::kNoCredentials)
      << "nor does who calls himself a page of our own";
  EXPECT_EQ(ask("OPTIONS /mi",
                {"Origin: https://evil.example", "Access-Control-Request-Method: POST", kUserPassword}),
            Refusal::kForeignOrigin);
  EXPECT_EQ(ask("OPTIONS /mi", {"Origin: https://good.example"}), Refusal::kNoCredentials);
  EXPECT_EQ(ask("OPTIONS /mi",
                {"Origin: https://good.example", "Access-Control-Request-Method: POST", "Content-Length: 5"}),
            Refusal::kNoCredentials)
      << "no preflight has a body";
}

TEST_F(AccessTest, RulesAreByRoot) {
  plain();
  rule("root=metrics; allow=10.0.0.0/8; auth=off");
  EXPECT_EQ(ask("GET /metrics"), Refusal::kAddressRefused);
  client = *net::Address::parse("10.0.0.1", 1);
  EXPECT_EQ(ask("GET /metrics"), Refusal::kNone);
  EXPECT_EQ(ask("GET /mi"), Refusal::kNoCredentials);
  EXPECT_EQ(ask("GET /nowhere"), Refusal::kNoCredentials);
}

TEST_F(AccessTest, TheDoorIsShutForThoseWhoMayNothing) {
  rule("allow=10.0.0.0/8");
  rule("root=metrics; allow=192.0.2.0/24");
  settings.access.forwarding.trusted_proxies.add("198.51.100.1");
  EXPECT_TRUE(access().may_connect(*net::Address::parse("10.0.0.1", 1)));
  EXPECT_TRUE(access().may_connect(*net::Address::parse("192.0.2.9", 1)));
  EXPECT_TRUE(access().may_connect(*net::Address::parse("198.51.100.1", 1))) << "it speaks for others";
  EXPECT_FALSE(access().may_connect(*net::Address::parse("198.51.100.2", 1)));
}

TEST_F(AccessTest, AHostIsThatOfAnAbsoluteTarget) {
  settings.access.allowed_hosts.add("a.example");
  EXPECT_EQ(ask("GET http://a.example/mi", {}, "evil.example"), Refusal::kNone);
  EXPECT_EQ(ask("GET http://evil.example/mi", {}, "a.example"), Refusal::kUnknownHost);
}

TEST(CheckAccessTest, RulesThatCannotBeKeptAreMistakes) {
  AccessSettings access;
  access.rules = {AccessRule::parse("root=mi; auth=off")};
  EXPECT_NO_THROW(check_access(access, false));
  for (const char* const text : {"auth=on", "users=a", "root=mi; client_cert=on"}) {
    access.rules = {AccessRule::parse(text)};
    EXPECT_THROW(check_access(access, false), ConfigError) << text;
  }
  EXPECT_NO_THROW(check_access(access, true));
}

}  // namespace
}  // namespace httpd::server
