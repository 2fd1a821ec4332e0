// What the daemon's MI commands need to know of the daemon, and what they may change.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <sys/types.h>
#include <vector>

#include "server/request_board.h"

namespace httpd::daemon {

/// A running process of the daemon.
struct ProcessInfo {
  int id = 0;  ///< its place in the process table, 0 for the attendant
  pid_t pid = 0;
  std::string description;
  int log_level = 0;
};

/// A statistic with its present value.
struct Statistic {
  std::string group;
  std::string name;
  std::int64_t value = 0;
  bool incremental = true;  ///< counts up; false for a gauge
};

/// A registered root path.
struct Root {
  std::string root;
  std::string module;
};

/// The daemon as its MI commands see it. Commands run in any process of the daemon, so what this answers is
/// the same in all of them, and what is set reaches all of them.
class DaemonState {
 public:
  virtual ~DaemonState() = default;
  /// The processes that run now, in the order of their ids.
  [[nodiscard]] virtual std::vector<ProcessInfo> processes() const = 0;
  /// Sets the log level of all processes, also of those started later. Any number is taken, as OpenSIPS does:
  /// one below -3 logs nothing, one above 4 everything.
  virtual void set_log_level(int level) = 0;
  /// Sets the log level of one process. False when no process of the daemon has this pid.
  virtual bool set_log_level(pid_t pid, int level) = 0;
  [[nodiscard]] virtual int log_level() const = 0;
  /// All statistics; those of one group stand together.
  [[nodiscard]] virtual std::vector<Statistic> statistics() const = 0;
  /// Has the statistic with this index in statistics() begin at 0 again, where it only grows.
  virtual void reset_statistic(std::size_t index) = 0;
  /// When the daemon was started.
  [[nodiscard]] virtual std::time_t start_time() const = 0;
  /// The command line, program name included.
  [[nodiscard]] virtual std::vector<std::string> arguments() const = 0;
  /// For example "opensips-httpd (0.1.0 (x86_64/linux))".
  [[nodiscard]] virtual std::string version() const = 0;
  /// The commit that it was built from; "" where that is not known.
  [[nodiscard]] virtual std::string revision() const = 0;
  /// The registered root paths, in the order of their registration.
  [[nodiscard]] virtual std::vector<Root> roots() const = 0;
  /// The requests that are with handlers, or wait for one, the oldest first.
  [[nodiscard]] virtual std::vector<server::RequestBoard::Entry> requests() const = 0;
};

}  // namespace httpd::daemon
