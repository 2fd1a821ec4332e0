// The statistics in memory that all processes of OpenSIPS see, and that is none of OpenSIPS's own.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/request_statistics.h"
#include "server/router.h"
#include "server/statistics.h"
#include "server/statistics_list.h"

namespace httpd::opensips {

/// OpenSIPS forks processes of other modules before all roots are known, and these may be asked for the
/// statistics of roots, too. So there is room for so many roots from the beginning, and what tells where a
/// number is found lies beside the numbers.
class SharedStatistics {
 public:
  static constexpr std::size_t kMaxRoots = 256;

  /// To be made before any process is forked. Throws std::system_error.
  SharedStatistics();
  ~SharedStatistics();
  SharedStatistics(const SharedStatistics&) = delete;
  SharedStatistics& operator=(const SharedStatistics&) = delete;

  [[nodiscard]] server::Statistics& counters() const noexcept;
  [[nodiscard]] server::RequestStatistics& requests() noexcept { return requests_; }

  /// Adds those of the roots, once: all are registered. Throws ConfigError when they are too many.
  void add_roots(const server::Router& router, bool has_queue);
  /// The name, NUL-terminated, valid as long as this; null past the last. In the process that made this.
  [[nodiscard]] const char* name(std::size_t index) const noexcept;
  /// The value of the statistic that name() knows by this index. In any process.
  [[nodiscard]] std::uint64_t value(std::size_t index) const noexcept;

 private:
  struct Memory;
  void share() noexcept;

  Memory* memory_;
  server::RequestStatistics requests_;
  server::StatisticsList list_;
};

}  // namespace httpd::opensips
