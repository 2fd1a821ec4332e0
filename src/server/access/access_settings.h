// The parameters that say who may come in. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "server/access/credentials.h"
#include "server/access/forwarding.h"
#include "server/access/hosts.h"
#include "server/access/rules.h"

namespace httpd::server {

/// As the lines of the configuration give them.
struct AccessSettings {
  AuthSettings auth;
  std::vector<AccessRule> rules;  ///< the `access` lines
  Hosts allowed_hosts;            ///< empty: any
  ForwardingSettings forwarding;
  std::size_t max_auth_failures = 10;          ///< of one address at once; 0: no limit
  std::chrono::seconds auth_failure_delay{5};  ///< between two of its attempts after that
};

/// Throws ConfigError when the settings contradict themselves. `certificates`: clients are asked for one.
void check_access(const AccessSettings& settings, bool certificates);

}  // namespace httpd::server
