// What the daemon's processes share: the process table, log levels and statistics.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include <httpd/log.h>
#include <httpd/metrics.h>

#include "daemon/mi/state.h"
#include "server/request_board.h"
#include "server/request_statistics.h"
#include "server/router.h"
#include "server/statistics.h"
#include "server/statistics_list.h"

namespace httpd::daemon {

/// One process in the table. Its description is written before the first fork and then only read.
struct ProcessSlot {
  std::array<char, 64> description;
  std::atomic<pid_t> pid;
  std::atomic<int> log_level;
};

/// Memory that every process of the daemon sees.
struct SharedMemory {
  static constexpr std::size_t kMaxProcesses = 320;
  std::atomic<int> log_level;
  std::atomic<std::size_t> process_count;
  std::array<ProcessSlot, kMaxProcesses> processes;
  server::Statistics statistics;
};

/// The daemon's state as MI commands see it, on memory shared by all processes forked after its construction.
class SharedState final : public DaemonState, public Metrics {
 public:
  static constexpr int kDefaultLogLevel = static_cast<int>(LogLevel::kNotice);

  /// The calling process is the attendant, process 0. `router` must outlive the state. Throws
  /// std::system_error.
  SharedState(std::vector<std::string> arguments, const server::Router& router);
  ~SharedState() override;
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  /// Adds a process that is not running yet; before the first fork only. Returns its id. Throws ConfigError
  /// when there are too many.
  std::size_t add_process(std::string_view description);
  void set_pid(std::size_t id, pid_t pid) noexcept;
  /// From now on this process is the one with this id: log lines follow its level.
  void become(std::size_t id) noexcept { self_ = id; }
  [[nodiscard]] std::string description(std::size_t id) const {
    return memory_->processes[id].description.data();
  }
  /// The log level of the calling process.
  [[nodiscard]] int own_log_level() const noexcept {
    return memory_->processes[self_].log_level.load(std::memory_order_relaxed);
  }
  [[nodiscard]] server::Statistics& counters() noexcept { return memory_->statistics; }
  /// Once all roots are registered, and before the first fork: their statistics are there from now on.
  /// `has_queue`: requests wait for handler processes. Throws std::system_error.
  server::RequestStatistics& count_requests(bool has_queue);
  [[nodiscard]] server::RequestBoard& board() noexcept { return board_; }

  [[nodiscard]] std::vector<ProcessInfo> processes() const override;
  void set_log_level(int level) override;
  bool set_log_level(pid_t pid, int level) override;
  [[nodiscard]] int log_level() const override;
  [[nodiscard]] std::vector<Statistic> statistics() const override;
  void reset_statistic(std::size_t index) override;
  [[nodiscard]] std::time_t start_time() const override { return start_time_; }
  [[nodiscard]] std::vector<std::string> arguments() const override { return arguments_; }
  [[nodiscard]] std::string version() const override;
  [[nodiscard]] std::string revision() const override;
  [[nodiscard]] std::vector<Root> roots() const override;
  [[nodiscard]] std::vector<MetricFamily> collect() const override;
  [[nodiscard]] std::vector<server::RequestBoard::Entry> requests() const override {
    return board_.entries();
  }

 private:
  SharedMemory* memory_ = nullptr;
  server::RequestBoard board_;
  std::optional<server::RequestStatistics> requests_;
  server::StatisticsList statistics_;
  bool has_queue_ = false;
  std::vector<std::string> arguments_;
  const server::Router& router_;
  std::time_t start_time_;
  std::size_t self_ = 0;
};

}  // namespace httpd::daemon
