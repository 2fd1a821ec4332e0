// Keeps lines that any client can cause from filling the log.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include <httpd/log.h>

#include "net/timer_wheel.h"

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

}  // namespace httpd::server
