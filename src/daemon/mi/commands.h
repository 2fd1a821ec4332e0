// The daemon's own MI commands: those of OpenSIPS that make sense without SIP.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "daemon/mi/registry.h"
#include "daemon/mi/state.h"

namespace httpd::daemon {

/// Adds httpd_list_root_path, which, help, ps, uptime, version, pwd, arg, log_level, get_statistics and
/// list_statistics, with the parameters, results and error texts of OpenSIPS. Each answers also to the name
/// that it has since OpenSIPS 4.0 ("core:ps", "statistics:get", …). Both arguments must outlive the commands'
/// last call.
void add_daemon_commands(MiRegistry& registry, DaemonState& state);

/// The last two of them alone.
void add_statistics_commands(Mi& mi, DaemonState& state);

}  // namespace httpd::daemon
