// What fuzz targets with a server or a loop in them share.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <poll.h>
#include <string_view>

#include <httpd/log.h>

#include "require.h"

namespace httpd::fuzz {

/// Has every line made, and drops it.
struct SilentLog final : Log {
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view /*line*/) noexcept override {}
};

/// poll(2) that libFuzzer's alarm does not end. True when something is ready.
inline bool wait_for(pollfd* descriptors, nfds_t count, int patience) {
  int ready = -1;
  do {
    ready = ::poll(descriptors, count, patience);
  } while (ready < 0 && errno == EINTR);
  require(ready >= 0);
  return ready > 0;
}

}  // namespace httpd::fuzz
