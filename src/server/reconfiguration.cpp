// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reconfiguration.h"

#include <fmt/format.h>
#include <string>
#include <utility>

#include <httpd/module.h>

#include "server/compression/compression.h"
#include "server/endpoints.h"
#include "server/reload.h"
#include "server/tls_settings.h"

namespace httpd::server {
namespace {

void check(const Settings& settings, const Router& router) {
  check_access(settings.access, settings.tls.options.verify_client != net::TlsVerifyClient::kNone);
  static_cast<void>(listeners_of(settings));
  check_rules(settings.access.rules, router);
  check_compression(settings.compression, router);
}

}  // namespace

Reconfiguration prepare(const Settings& now, Settings next, const Router& router, Log& log) {
  check(next, router);
  static_cast<void>(next.tls.complete());
  SettingChanges changes = settle(now, next);
  try {
    check(next, router);
  } catch (const ConfigError& error) {
    // What it goes with was kept as it is.
    throw ConfigError(fmt::format("{}; this configuration takes a restart", error.what()));
  }
  auto policies = std::make_unique<Policies>(next.access.rules, router);
  Access::Challenges challenges = Access::challenges_of(next.access.auth);
  std::vector<bool> compression = Compression::consents(next.compression, router);
  auto tls = load_tls(next.tls, log);
  auto users = load_credentials(next);
  return {std::move(next),        std::move(changes), std::move(policies), std::move(challenges),
          std::move(compression), std::move(tls),     std::move(users)};
}

}  // namespace httpd::server
