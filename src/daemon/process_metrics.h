// What the system says of the daemon's processes. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include <httpd/metrics.h>

#include "daemon/mi/state.h"

namespace httpd::daemon {

/// The families that monitoring systems know from other programs (process_cpu_seconds and so on), with one
/// series for each of `processes`. What the system does not tell the calling process, since it has not the
/// rights or the other one has ended, is left out. Throws std::bad_alloc.
[[nodiscard]] std::vector<MetricFamily> process_metrics(const std::vector<ProcessInfo>& processes);

}  // namespace httpd::daemon
