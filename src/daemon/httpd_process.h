// The HTTPD process: the one that owns the sockets and runs the event loop.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <httpd/log.h>

#include "daemon/reconfigurer.h"
#include "process/access_log/log_channel.h"
#include "process/meeting_point.h"
#include "server/access/credentials.h"
#include "server/endpoints.h"
#include "server/health.h"
#include "server/reload_channel.h"
#include "server/request_board.h"
#include "server/request_statistics.h"
#include "server/router.h"
#include "server/server_monitor.h"
#include "server/settings.h"
#include "server/statistics.h"

namespace httpd::daemon {

/// What the process needs; everything must outlive it.
struct HttpdProcess {
  server::Settings& settings;  ///< changed when the configuration is read again
  const server::Router& router;
  std::vector<server::Endpoint>& endpoints;                 ///< closed in this process when its end begins
  std::shared_ptr<const net::TlsCredentials>& credentials;  ///< moved from; null when TLS is not in use
  const std::shared_ptr<const server::Credentials>& users;  ///< null when none are configured
  server::ReloadChannel& reloads;
  process::LogChannel* access_log;  ///< null where there is none
  Reconfigurer& reconfigurer;
  process::MeetingPoint* workers;  ///< where handler processes come to; null where handlers run here
  server::RequestBoard& board;
  int may_serve;    ///< a Flag's descriptor: it accepts from then on; -1: from the start
  int shall_leave;  ///< a Flag's descriptor: another daemon serves from then on
  bool is_restart;  ///< the process before this one ended: what was read from files may be older than what it
                    ///< had
  server::Statistics& statistics;
  server::RequestStatistics& requests;
  server::HealthHandler* health;   ///< null when nobody is to be told
  server::ServerMonitor* monitor;  ///< null when nobody looks
  Log& log;
};

/// Serves until SIGTERM, then lets replies in progress finish for drain_timeout at most. Calls `on_ready`
/// once it accepts connections, or could. Returns the exit status; throws what init_process() of a handler
/// throws.
int run_httpd_process(const HttpdProcess& process, const std::function<void()>& on_ready);

}  // namespace httpd::daemon
