// The server's statistics as families of metrics. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include <httpd/metrics.h>

#include "server/request_statistics.h"
#include "server/router.h"
#include "server/statistics.h"

namespace httpd::server {

/// All that is counted, whatever was reset. `has_queue`: requests wait for handler processes. Series of which
/// there may be many are left out while they are 0. Throws std::bad_alloc.
[[nodiscard]] std::vector<MetricFamily> metric_families(const Statistics& statistics,
                                                        const RequestStatistics& requests,
                                                        const Router& router, bool has_queue);

}  // namespace httpd::server
