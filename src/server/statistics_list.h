// The statistics by name, one number each, as get_statistics gives them in the group "httpd".
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "server/request_statistics.h"
#include "server/router.h"
#include "server/statistics.h"

namespace httpd::server {

/// Where the number of one of them comes from. Refers to the memory that it was made from, and may itself lie
/// in memory that processes share which have that at the same place.
struct StatisticView {
  bool incremental;  ///< false for what also falls
  std::span<Counter> counters;
  std::uint64_t divisor = 1;  ///< of their sum, for the unit that the name says

  /// Of what only grows: since it was reset.
  [[nodiscard]] std::uint64_t value() const noexcept;
  /// Whatever was reset.
  [[nodiscard]] std::uint64_t total() const noexcept;
  /// Does nothing for what also falls. From any process.
  void reset() const noexcept;
};

struct NamedStatistic {
  std::string name;  ///< [a-z0-9_]
  StatisticView view;
};

/// The address of an element, its name's bytes among it, stays good when others are added.
using StatisticsList = std::deque<NamedStatistic>;

/// Those that are there with any roots.
void list_statistics(Statistics& statistics, StatisticsList& list);
/// What stands for each root in the names of its statistics, in the order of registration: what a root's name
/// has that a statistic's may not have is a '_' in it.
[[nodiscard]] std::vector<std::string> root_names(const Router& router);
/// Those of each root, once all are registered. `has_queue`: requests wait for handler processes.
void list_root_statistics(RequestStatistics& statistics, const Router& router, bool has_queue,
                          StatisticsList& list);

}  // namespace httpd::server
