// The HTTPD process: the one that owns the sockets and runs the event loop.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <vector>

#include <httpd/log.h>

#include "net/listener.h"
#include "server/router.h"
#include "server/settings.h"
#include "server/statistics.h"

namespace httpd::daemon {

/// What the process needs; everything must outlive it.
struct HttpdProcess {
  const server::Settings& settings;
  const server::Router& router;
  std::vector<net::ListenSocket>& sockets;  ///< listening already; closed in this process when its end begins
  server::Statistics& statistics;
  Log& log;
};

/// Serves until SIGTERM, then lets replies in progress finish for five seconds at most. Calls `on_ready` once
/// it accepts connections. Returns the exit status; throws what init_process() of a handler throws.
int run_httpd_process(const HttpdProcess& process, const std::function<void()>& on_ready);

}  // namespace httpd::daemon
