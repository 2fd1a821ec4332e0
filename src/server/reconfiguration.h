// Settings that take the place of others while the server runs. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <vector>

#include <httpd/log.h>

#include "net/tls_credentials.h"
#include "server/access/access.h"
#include "server/access/credentials.h"
#include "server/access/rules.h"
#include "server/router.h"
#include "server/setting_changes.h"
#include "server/settings.h"

namespace httpd::server {

/// Everything that settings lead to, made before anything changes: all that can go wrong is over.
struct Reconfiguration {
  Settings settings;  ///< with the values that are in force for what takes a restart
  SettingChanges changes;
  std::unique_ptr<Policies> policies;
  Access::Challenges challenges;
  std::vector<bool> compression;                   ///< see Compression::consents()
  std::shared_ptr<const net::TlsCredentials> tls;  ///< shared with sessions; null when TLS is not in use
  std::shared_ptr<const Credentials> users;        ///< shared with checks; null when none are configured
};

/// Compares `next` with `now`, checks that it is good as a whole, both after a restart and without one, and
/// reads the files that it names. What is odd about them goes to `log`. Throws ConfigError, std::bad_alloc.
[[nodiscard]] Reconfiguration prepare(const Settings& now, Settings next, const Router& router, Log& log);

}  // namespace httpd::server
