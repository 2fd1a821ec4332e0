// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/setting_changes.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <set>

#include "server/parameters.h"

namespace httpd::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Values that no default has and every parameter takes.
const std::vector<ParameterValue> kValues{1LL,
                                          0LL,
                                          300LL,
                                          std::string("127.0.0.2"),
                                          std::string("X-Forwarded-For"),
                                          std::string("require"),
                                          std::string("http://127.0.0.1:81"),
                                          std::string("auth=off")};

void set(Settings& settings, std::string_view name, const ParameterValue& value) {
  for (const Parameter& parameter : httpd_parameters(settings))
    if (parameter.name == name) return parameter.set(value);
  FAIL() << name << " is no parameter";
}

/// Sets a parameter to something else than its default. False when no value is good for that.
bool change(Settings& settings, const Parameter& parameter) {
  for (const ParameterValue& value : kValues) {
    if (std::holds_alternative<std::string>(value) != (parameter.type == Parameter::Type::kString)) continue;
    const Settings before = settings;
    try {
      parameter.set(value);
    } catch (const ConfigError&) {
      continue;
    }
    Settings after = settings;
    const SettingChanges changes = settle(before, after);
    if (!changes.live.empty() || !changes.restart.empty()) return true;
    settings = before;
  }
  return false;
}

TEST(SettingChangesTest, EveryParameterIsInTheTableAndNothingElse) {
  Settings settings;
  std::multiset<std::string_view> table;
  for (const auto& [name, effect] : parameter_effects())
    table.insert(name);
  const std::vector<Parameter> parameters = httpd_parameters(settings);
  for (const Parameter& parameter : parameters)
    EXPECT_EQ(table.count(parameter.name), 1U) << parameter.name << " is not in setting_changes.cpp";
  EXPECT_EQ(table.size(), parameters.size());
}

TEST(SettingChangesTest, EveryParameterIsSeenToChangeUnderItsOwnName) {
  for (const auto& [name, effect] : parameter_effects()) {
    Settings now;
    // So that TLS does not begin with it, and an OCSP response has a certificate.
    set(now, "tls_cert_file", std::string("cert"));
    set(now, "tls_key_file", std::string("key"));
    Settings next = now;
    std::vector<Parameter> parameters = httpd_parameters(next);
    const auto parameter = std::ranges::find(parameters, name, &Parameter::name);
    ASSERT_NE(parameter, parameters.end());
    EXPECT_TRUE(change(next, *parameter)) << name;
    const Settings wanted = next;
    const SettingChanges changes = settle(now, next);
    const bool is_live = effect == Effect::kLive;
    ASSERT_EQ(changes.live.size(), is_live ? 1U : 0U) << name;
    ASSERT_EQ(changes.restart.size(), is_live ? 0U : 1U) << name;
    EXPECT_TRUE((is_live ? changes.live : changes.restart).front().starts_with(name)) << name;
    // What is live has the new value, and what takes a restart the old one.
    Settings copy = next;
    const SettingChanges rest = settle(is_live ? wanted : now, copy);
    EXPECT_THAT(rest.live, IsEmpty()) << name;
    EXPECT_THAT(rest.restart, IsEmpty()) << name;
  }
}

TEST(SettingChangesTest, ValuesAreShownButNoSecrets) {
  Settings now;
  Settings next;
  set(next, "conn_timeout", 10LL);
  set(next, "auth_realm", std::string("Here \"and\" there"));
  set(next, "auth_username", std::string("ada"));
  set(next, "auth_password", std::string("lovelace"));
  EXPECT_THAT(settle(now, next).live,
              ElementsAre("conn_timeout 30 -> 10", R"(auth_realm "OpenSIPS MI" -> "Here \"and\" there")",
                          "auth_username", "auth_password"));
}

TEST(SettingChangesTest, WhatARemovedLineHadGoesBackToTheDefault) {
  Settings now;
  set(now, "max_uri_size", 100LL);
  set(now, "access", std::string("root=a; auth=off"));
  Settings next;
  EXPECT_THAT(settle(now, next).live, ElementsAre("max_uri_size 100 -> 8192", "access"));
  EXPECT_EQ(next.limits.max_uri_size, 8192U);
  EXPECT_TRUE(next.access.rules.empty());
}

TEST(SettingChangesTest, ADefaultThatIsWrittenDownIsNoChange) {
  Settings now;
  Settings next;
  set(next, "conn_timeout", 30LL);
  set(next, "port", 8888LL);
  const SettingChanges changes = settle(now, next);
  EXPECT_THAT(changes.live, IsEmpty());
  EXPECT_THAT(changes.restart, IsEmpty());
}

TEST(SettingChangesTest, APortBesideListenLinesIsOneMoreListener) {
  Settings now;
  set(now, "listen", std::string("http://127.0.0.1:81"));
  Settings next = now;
  set(next, "port", 8888LL);
  EXPECT_THAT(settle(now, next).restart, ElementsAre("port"));
  EXPECT_FALSE(next.address_given);
}

TEST(SettingChangesTest, WhetherThereIsTlsTakesARestart) {
  Settings now;
  Settings next;
  set(next, "tls_cert_file", std::string("cert"));
  set(next, "tls_key_file", std::string("key"));
  set(next, "tls_ciphers", std::string("NORMAL"));
  set(next, "tls_ticket_key_file", std::string("tickets"));
  set(next, "tls_handshake_timeout", 3LL);
  const Settings with = next;
  SettingChanges changes = settle(now, next);
  EXPECT_THAT(changes.restart,
              ElementsAre("tls_cert_file", "tls_key_file", "tls_ciphers", "tls_ticket_key_file"));
  EXPECT_THAT(changes.live, ElementsAre("tls_handshake_timeout 10 -> 3"));
  EXPECT_FALSE(next.tls.configured());
  EXPECT_EQ(next.tls.options.ciphers, net::TlsOptions::kDefaultCiphers);
  next = Settings();
  changes = settle(with, next);
  EXPECT_THAT(changes.restart,
              ElementsAre("tls_cert_file", "tls_key_file", "tls_ciphers", "tls_ticket_key_file"));
  EXPECT_TRUE(next.tls.configured());
}

}  // namespace
}  // namespace httpd::server
