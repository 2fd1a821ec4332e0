// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/log_throttle.h"

#include <exception>
#include <fmt/format.h>

namespace httpd::server {

bool LogThrottle::admit(Log& log, net::TimePoint now) {
  if (now - window_ >= std::chrono::seconds(1)) {
    if (held_back_ > 0)
      log.write(LogLevel::kWarning, fmt::format("{} more lines about requests were held back", held_back_));
    window_ = now;
    written_ = 0;
    held_back_ = 0;
  }
  if (written_ < kLinesASecond) {
    ++written_;
    return true;
  }
  ++held_back_;
  return false;
}

void ThrottledLog::write(LogLevel level, std::string_view line) noexcept {
  try {
    if (!throttle_.admit(log_, loop_.now())) return;
  } catch (const std::exception&) {
    // No memory to tell how many lines were held back; this one is written all the same.
  }
  log_.write(level, line);
}

}  // namespace httpd::server
