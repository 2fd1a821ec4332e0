// Tests of the access lines. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/rules.h"

#include <gmock/gmock.h>
#include <memory>

#include <httpd/handler.h>
#include <httpd/module.h>

namespace httpd::server {
namespace {

class NoHandler final : public Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  void handle(const Request& /*request*/, Reply /*reply*/) override {}
};

Router router_of(std::initializer_list<const char*> roots) {
  Router router;
  for (const char* const root : roots)
    router.add("test", root, std::make_unique<NoHandler>());
  return router;
}

net::Address at(const char* ip) {
  return *net::Address::parse(ip, 1);
}

std::string complaint(const char* text) {
  try {
    static_cast<void>(AccessRule::parse(text));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(AccessRuleTest, ReadsEveryKey) {
  const AccessRule rule = AccessRule::parse(
      " root = /status/live/ ;allow=10.0.0.0/8,::1; deny=10.6.6.6;auth=off;users=a, b;client_cert=on;"
      "cors_origins=https://a.example , http://b.example:8080;cross_site=off;");
  EXPECT_EQ(rule.root, "status/live");
  EXPECT_TRUE(rule.allow->contains(at("10.1.2.3")));
  EXPECT_TRUE(rule.deny->contains(at("10.6.6.6")));
  EXPECT_EQ(rule.auth, false);
  EXPECT_THAT(*rule.users, ::testing::ElementsAre("a", "b"));
  EXPECT_EQ(rule.client_cert, true);
  EXPECT_TRUE(rule.cors_origins->contains("http://B.example:8080"));
  EXPECT_FALSE(rule.cors_origins->contains("https://b.example:8080"));
  EXPECT_FALSE(rule.cors_origins->contains("null"));
  EXPECT_EQ(rule.cross_site, false);
  EXPECT_FALSE(AccessRule::parse("auth=on").allow);
}

TEST(AccessRuleTest, SaysWhatIsWrong) {
  for (const auto& [text, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "says nothing"},
           {" ; ", "says nothing"},
           {"mi", "mi has no value"},
           {"root=", "root names no root path"},
           {"root=/", "root names no root path"},
           {"root=a;root=b", "root stands twice"},
           {"auth=yes", "auth is not \"on\" or \"off\""},
           {"auth=on;auth=on", "auth stands twice"},
           {"allow=", "is neither an address"},
           {"allow=10.0.0.1;allow=::1", "allow stands twice"},
           {"deny=localhost", "\"localhost\" is neither"},
           {"users=a,,b", "users has an empty name"},
           {"cors_origins=null", "\"null\", which is no origin"},
           {"cors_origins=https://a.example/", "is no origin"},
           {"method=GET", "method is no key"},
           {"Auth=on", "Auth is no key"}})
    EXPECT_THAT(complaint(text),
                ::testing::AllOf(::testing::HasSubstr(part), ::testing::HasSubstr("good line")))
        << text;
}

TEST(PolicyTest, DenyGoesBeforeAllow) {
  Policy policy;
  EXPECT_TRUE(policy.admits(at("192.0.2.1")));
  EXPECT_TRUE(policy.admits(net::Address()));
  policy.allow.emplace().add("10.0.0.0/8");
  policy.deny.emplace().add("10.6.0.0/16");
  EXPECT_TRUE(policy.admits(at("10.1.1.1")));
  EXPECT_FALSE(policy.admits(at("10.6.1.1")));
  EXPECT_FALSE(policy.admits(at("192.0.2.1")));
  EXPECT_FALSE(policy.admits(net::Address())) << "nobody knows that it is in the list";
  policy.allow.reset();
  EXPECT_TRUE(policy.admits(at("192.0.2.1")));
  EXPECT_FALSE(policy.admits(net::Address())) << "nobody knows that it is not";
}

TEST(PoliciesTest, TheLongestRootDecidesKeyByKey) {
  const Router router = router_of({"mi", "status", "status/live", "statusx"});
  const Policies policies(
      {AccessRule::parse("root=status/live; auth=off"), AccessRule::parse("allow=10.0.0.0/8"),
       AccessRule::parse("root=status; allow=192.0.2.0/24; client_cert=on")},
      router);
  const Policy& mi = policies.of(router.find("/mi"));
  EXPECT_TRUE(mi.admits(at("10.0.0.1")));
  EXPECT_FALSE(mi.admits(at("192.0.2.1")));
  EXPECT_TRUE(mi.auth);
  const Policy& status = policies.of(router.find("/status/x"));
  EXPECT_FALSE(status.admits(at("10.0.0.1")));
  EXPECT_TRUE(status.admits(at("192.0.2.1")));
  EXPECT_TRUE(status.auth);
  EXPECT_TRUE(status.client_cert);
  const Policy& live = policies.of(router.find("/status/live/x"));
  EXPECT_TRUE(live.admits(at("192.0.2.1"))) << "from the root above";
  EXPECT_FALSE(live.auth);
  EXPECT_TRUE(live.client_cert);
  EXPECT_TRUE(policies.of(router.find("/statusx")).admits(at("10.0.0.1"))) << "not below status";
  EXPECT_TRUE(policies.of(nullptr).admits(at("10.0.0.1")));
  EXPECT_FALSE(policies.of(nullptr).admits(at("192.0.2.1")));
  EXPECT_TRUE(policies.admits_somewhere(at("192.0.2.1")));
  EXPECT_FALSE(policies.admits_somewhere(at("198.51.100.1")));
}

TEST(PoliciesTest, LinesOfOneRootAddUpAndMustNotContradict) {
  const Router router = router_of({"mi"});
  const Policies policies({AccessRule::parse("root=mi;auth=off"), AccessRule::parse("root=mi;allow=::1")},
                          router);
  EXPECT_FALSE(policies.of(router.find("/mi")).auth);
  EXPECT_FALSE(policies.of(router.find("/mi")).admits(at("127.0.0.1")));
  EXPECT_THROW(
      Policies({AccessRule::parse("root=mi;auth=off"), AccessRule::parse("root=mi;auth=on")}, router),
      ConfigError);
}

TEST(PoliciesTest, ARootThatNobodyServesIsAMistake) {
  const Router router = router_of({"mi", "status/live"});
  EXPECT_NO_THROW(check_rules({AccessRule::parse("auth=off"), AccessRule::parse("root=mi;auth=off"),
                               AccessRule::parse("root=status;auth=off")},
                              router));
  EXPECT_THROW(check_rules({AccessRule::parse("root=metrics;auth=off")}, router), ConfigError);
  EXPECT_THROW(check_rules({AccessRule::parse("root=mi/x;auth=off")}, router), ConfigError);
  EXPECT_THROW(check_rules({AccessRule::parse("root=m;auth=off")}, router), ConfigError);
  EXPECT_NO_THROW(check_rules({AccessRule::parse("auth=off")}, Router()));
  EXPECT_THROW(check_rules({AccessRule::parse("root=mi;auth=off"), AccessRule::parse("users=a")}, router),
               ConfigError);
}

TEST(OriginsTest, AStarIsAnyAndNullToo) {
  Origins origins;
  EXPECT_TRUE(origins.empty());
  origins.add("*");
  EXPECT_TRUE(origins.any());
  EXPECT_TRUE(origins.contains("null"));
  EXPECT_TRUE(origins.contains("https://a.example"));
}

}  // namespace
}  // namespace httpd::server
