// Calls what handlers leave with the engine to be called later.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <exception>
#include <functional>
#include <new>

#include <httpd/log.h>

#include "http/escape.h"

namespace httpd::server {

/// Logs what a handler threw, whose words may be a client's.
inline void log_thrown(const char* what, Log& log) noexcept {
  try {
    log.write(LogLevel::kError, http::escape_for_log(what));
  } catch (const std::bad_alloc&) {
    log.write(LogLevel::kError, "a handler's callback threw, and there is no memory to say what");
  }
}

/// Calls `callback`, which must not be empty; what it throws ends in the log. It may destroy whatever it was
/// kept in, so the caller has moved or copied it out of there.
inline void call_handler(const std::function<void()>& callback, Log& log) noexcept {
  try {
    callback();
  } catch (const std::exception& exception) {
    log_thrown(exception.what(), log);
  } catch (...) {
    log.write(LogLevel::kError, "a handler's callback threw an exception that is no std::exception");
  }
}

}  // namespace httpd::server
