// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/ticker.h"

#include <cerrno>
#include <cstdint>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace httpd::console {

Ticker::Ticker(Loop& loop, std::function<void()> callback)
    : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  try {
    const itimerspec every_second{{1, 0}, {1, 0}};
    if (timer_ < 0 || ::timerfd_settime(timer_, 0, &every_second, nullptr) != 0)
      throw std::system_error(errno, std::generic_category(), "a timer for module console");
    subscription_ = loop.watch(timer_, [timer = timer_, callback = std::move(callback)] {
      std::uint64_t times = 0;
      if (::read(timer, &times, sizeof times) == sizeof times) callback();
    });
  } catch (...) {
    ::close(timer_);
    throw;
  }
}

Ticker::~Ticker() {
  // Not watched any more when it is closed.
  subscription_.reset();
  ::close(timer_);
}

}  // namespace httpd::console
