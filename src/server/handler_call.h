// Calls what handlers leave with the engine to be called later.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <exception>
#include <functional>

#include <httpd/log.h>

namespace httpd::server {

/// Calls `callback`, which must not be empty; what it throws ends in the log. It may destroy whatever it was
/// kept in, so the caller has moved or copied it out of there.
inline void call_handler(const std::function<void()>& callback, Log& log) noexcept {
  try {
    callback();
  } catch (const std::exception& exception) {
    log.write(LogLevel::kError, exception.what());
  } catch (...) {
    log.write(LogLevel::kError, "a handler's callback threw an exception that is no std::exception");
  }
}

}  // namespace httpd::server
