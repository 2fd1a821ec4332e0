// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/access_settings.h"

#include <fmt/format.h>
#include <string>

#include <httpd/module.h>

namespace httpd::server {

void check_access(const AccessSettings& settings, bool certificates) {
  check_auth(settings.auth);
  for (const AccessRule& rule : settings.rules) {
    const std::string where = rule.root.empty() ? "all roots" : "root " + rule.root;
    if (rule.auth.value_or(false) && !settings.auth.configured())
      throw ConfigError(
          fmt::format("access: auth=on of {} needs auth_file, auth_token_file, or auth_username", where));
    if (rule.users && !settings.auth.configured())
      throw ConfigError(
          fmt::format("access: users of {} needs auth_file, auth_token_file, or auth_username", where));
    if (rule.client_cert.value_or(false) && !certificates)
      throw ConfigError(fmt::format(
          "access: client_cert=on of {} needs tls_ca_file, and tls_verify_client \"optional\" or \"require\"",
          where));
  }
}

}  // namespace httpd::server
