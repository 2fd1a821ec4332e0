// How the engine and its handlers write to the log of the host that they run in.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace httpd {

/// The log levels of OpenSIPS, with its numbers (core parameter log_level).
enum class LogLevel : int {
  kAlert = -3,
  kCritical = -2,
  kError = -1,
  kWarning = 1,
  kNotice = 2,
  kInfo = 3,
  kDebug = 4
};

/// The host's log. One line a call; the host adds time, process and level.
/// Text that came from a request must be escaped by the caller (see http::escape in the engine).
class Log {
 public:
  virtual ~Log() = default;
  /// True when a line of this level would be written. Cheap: ask before building a costly line.
  [[nodiscard]] virtual bool enabled(LogLevel level) const noexcept = 0;
  /// Writes one line. `line` is read before the call returns. Never throws; a line that cannot be written is
  /// lost.
  virtual void write(LogLevel level, std::string_view line) noexcept = 0;
};

}  // namespace httpd
