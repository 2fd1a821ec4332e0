// A log for lines that a client can cause as often as it likes.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include <httpd/log.h>

namespace httpd::mi_fifo {

/// The most lines that are written within a second.
inline constexpr std::size_t kMaxLinesPerSecond = 20;

/// Writes at most kMaxLinesPerSecond lines a second, and then one that tells how many were held back.
/// Functions take the time so that tests can set it.
class ThrottledLog {
 public:
  using Clock = std::chrono::steady_clock;

  /// `log` must outlive this.
  explicit ThrottledLog(Log& log) noexcept : log_(log) {}
  /// Tells of what was held back last.
  ~ThrottledLog() { tell(); }
  ThrottledLog(const ThrottledLog&) = delete;
  ThrottledLog& operator=(const ThrottledLog&) = delete;

  /// As Log::write(), or counts the line. Lines of a level that is not written anyway do not count.
  void write(LogLevel level, std::string_view line, Clock::time_point now = Clock::now());
  /// Tells how many lines were held back once their second is over, where no further line did.
  void catch_up(Clock::time_point now = Clock::now());
  /// When catch_up() has something to tell; never is Clock::time_point::max().
  [[nodiscard]] Clock::time_point due() const noexcept {
    return held_back_ > 0 ? end_ : Clock::time_point::max();
  }

 private:
  void tell();

  Log& log_;
  Clock::time_point end_;  ///< of the second that is counted
  std::size_t written_ = 0;
  std::size_t held_back_ = 0;
  LogLevel worst_ = LogLevel::kDebug;  ///< among the lines held back
};

}  // namespace httpd::mi_fifo
