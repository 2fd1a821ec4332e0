// The process that writes the access log: the only one that a full disk or a pipe that nobody reads holds up.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <httpd/log.h>

#include "process/access_log/log_channel.h"
#include "process/access_log/log_sink.h"
#include "server/statistics.h"

namespace httpd::process {

/// Reads messages of whole lines and has a sink write them. While that takes none it reads no more: the
/// HTTPD process keeps what it can (server::LineBuffer). What cannot be written at all is counted
/// (Statistics::kAccessLogLost). Why is logged once, and again when the reason changes.
class LogWriter {
 public:
  /// How long a sink that takes nothing is waited for once nobody sends any more.
  static constexpr std::chrono::milliseconds kLastPatience{1000};

  /// All must outlive it.
  LogWriter(LogChannel& channel, LogSink& sink, server::Statistics& statistics, Log& log);
  /// Returns when no process has the sending end open any more, and all that was sent is written or lost.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Wait : char { kForLines, kForSink, kForRetry };

  [[nodiscard]] bool read();
  void write();
  void wait(Wait what);
  void reopen_if_asked();
  void lose(std::size_t bytes, int error);
  void note(int error, const char* what);
  void note_success();
  void give_up();
  [[nodiscard]] std::string_view rest() const noexcept {
    return std::string_view(batch_).substr(done_, size_ - done_);
  }

  LogChannel& channel_;
  LogSink& sink_;
  server::Statistics& statistics_;
  Log& log_;
  std::string batch_;       // room for a message
  std::size_t size_ = 0;    // of the message
  std::size_t done_ = 0;    // bytes of it that are written or lost
  int noted_ = 0;           // errno of what the log was told last; 0: all is well
  std::uint64_t lost_ = 0;  // lines since then
  bool hung_up_ = false;    // nobody sends any more
  Clock::time_point give_up_at_ = Clock::time_point::max();
};

}  // namespace httpd::process
