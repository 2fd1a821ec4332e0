// Something that happens once, and that any process of the daemon can wait for.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

#include "net/unique_fd.h"

namespace httpd::daemon {

/// Made before the forks. Unlike a signal it reaches a process that was forked later, and nobody else can
/// send it.
class Flag {
 public:
  /// Throws std::system_error.
  Flag() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  void raise() noexcept {
    const std::uint64_t one = 1;
    // It is full when it has been raised before.
    if (::write(fd_.get(), &one, sizeof one) < 0) return;
  }
  /// Readable from raise() on, for good.
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }

 private:
  net::UniqueFd fd_;
};

}  // namespace httpd::daemon
