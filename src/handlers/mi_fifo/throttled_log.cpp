// Counting log lines by the second.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/throttled_log.h"

#include <algorithm>
#include <string>

namespace httpd::mi_fifo {

void ThrottledLog::write(LogLevel level, std::string_view line, Clock::time_point now) {
  if (!log_.enabled(level)) return;
  if (now >= end_) {
    tell();
    end_ = now + std::chrono::seconds(1);
    written_ = 0;
  }
  if (written_ < kMaxLinesPerSecond) {
    ++written_;
    log_.write(level, line);
    return;
  }
  ++held_back_;
  worst_ = std::min(worst_, level);
}

void ThrottledLog::catch_up(Clock::time_point now) {
  if (now >= end_) tell();
}

void ThrottledLog::tell() {
  if (held_back_ == 0) return;
  log_.write(worst_, "MI FIFO: " + std::to_string(held_back_) + " more lines about requests were held back");
  held_back_ = 0;
  worst_ = LogLevel::kDebug;
}

}  // namespace httpd::mi_fifo
