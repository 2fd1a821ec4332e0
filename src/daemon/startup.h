// From a configuration file to running processes. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "daemon/options.h"

namespace httpd::daemon {

/// Does what the options say and returns the exit status. All that goes wrong at start is logged.
int run_daemon(const Options& options, std::vector<std::string> arguments);

}  // namespace httpd::daemon
