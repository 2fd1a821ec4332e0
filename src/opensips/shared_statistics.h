// The server's counters in memory that all processes of OpenSIPS see, and that is none of OpenSIPS's own.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "server/statistics.h"

namespace httpd::opensips {

class SharedStatistics {
 public:
  /// To be made before the processes are forked. Throws std::system_error.
  SharedStatistics();
  ~SharedStatistics();
  SharedStatistics(const SharedStatistics&) = delete;
  SharedStatistics& operator=(const SharedStatistics&) = delete;

  [[nodiscard]] server::Statistics& operator*() const noexcept { return *statistics_; }
  [[nodiscard]] server::Statistics* operator->() const noexcept { return statistics_; }

 private:
  server::Statistics* statistics_;
};

}  // namespace httpd::opensips
