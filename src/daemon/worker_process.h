// A handler process of the daemon. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>

#include <httpd/log.h>

#include "process/meeting_point.h"
#include "server/router.h"
#include "server/settings.h"

namespace httpd::daemon {

/// What the process needs; everything must outlive it.
struct WorkerProcess {
  const server::Settings& settings;
  const server::Router& router;
  process::MeetingPoint& meeting_point;
  std::uint32_t index;  ///< its number among the handler processes, from 0
  Log& log;
};

/// Runs handlers until SIGTERM came and the HTTPD process has ended. Calls `on_ready` once it takes requests.
/// Returns the exit status; throws what init_process() of a handler throws.
int run_worker_process(const WorkerProcess& process, const std::function<void()>& on_ready);

}  // namespace httpd::daemon
