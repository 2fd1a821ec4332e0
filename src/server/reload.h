// Reading files again while the server runs. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include <httpd/log.h>

#include "server/access/credentials.h"
#include "server/reload_channel.h"
#include "server/server.h"
#include "server/settings.h"

namespace httpd::server {

/// Users and tokens as the settings and their files give them; null when none are configured. Throws
/// ConfigError.
[[nodiscard]] std::shared_ptr<const Credentials> load_credentials(const Settings& settings);

/// Reads `what` of the files that `settings` name. If all is well with them, `server` uses them for what
/// comes; if not, everything stays as it is. Both are logged.
[[nodiscard]] ReloadResult reload(Reload what, Server& server, const Settings& settings, Log& log);

}  // namespace httpd::server
