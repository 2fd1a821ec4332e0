// The daemon's log: lines on standard error. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <spdlog/logger.h>

#include <httpd/log.h>

#include "daemon/shared_state.h"

namespace httpd::daemon {

/// "Nov 22 19:45:22 [4711] WARNING:httpd: text", as OpenSIPS writes them; for the journal, which has the time
/// itself, "<4>[4711] WARNING:httpd: text", where 4 is the level by syslog's numbers. One write a line, so
/// that the lines of several processes do not mix.
class DaemonLog final : public Log {
 public:
  /// `state` says which level the process logs at, and must outlive the log.
  explicit DaemonLog(const SharedState& state);
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override {
    return static_cast<int>(level) <= state_.own_log_level();
  }
  void write(LogLevel level, std::string_view line) noexcept override;

 private:
  const SharedState& state_;
  bool journal_;
  spdlog::logger logger_;
};

}  // namespace httpd::daemon
