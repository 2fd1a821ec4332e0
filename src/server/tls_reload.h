// Reading the TLS files again while the server runs. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/log.h>

#include "server/reload_channel.h"
#include "server/server.h"
#include "server/settings.h"

namespace httpd::server {

/// Reads the files that `settings` name. If all is well with them, `server` uses them for new connections; if
/// not, everything stays as it is. Both are logged.
[[nodiscard]] ReloadResult reload_tls(Server& server, const Settings& settings, Log& log);

}  // namespace httpd::server
