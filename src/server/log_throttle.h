// Keeps lines that any client can cause from filling the log.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include <httpd/log.h>

#include "net/event_loop.h"

namespace httpd::server {

/// Lets a number of lines through each second and says how many it held back.
class LogThrottle {
 public:
  static constexpr unsigned kLinesASecond = 20;
  /// True when a line may be written now. `now` must not run backwards.
  [[nodiscard]] bool admit(Log& log, net::TimePoint now);

 private:
  net::TimePoint window_{};
  unsigned written_ = 0;
  unsigned long held_back_ = 0;
};

/// A log for what handlers do wrong, which any client may cause as often as it likes.
class ThrottledLog final : public Log {
 public:
  /// Both must outlive it.
  ThrottledLog(Log& log, const net::EventLoop& loop) noexcept : log_(log), loop_(loop) {}
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return log_.enabled(level); }
  void write(LogLevel level, std::string_view line) noexcept override;

 private:
  Log& log_;
  const net::EventLoop& loop_;
  LogThrottle throttle_;
};

}  // namespace httpd::server
