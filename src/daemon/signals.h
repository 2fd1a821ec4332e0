// Signals as descriptors. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

#include "net/unique_fd.h"

namespace httpd::daemon {

/// Blocks these signals in the calling process and makes them readable instead. Throws std::system_error.
class SignalDescriptor {
 public:
  explicit SignalDescriptor(std::initializer_list<int> signals);
  [[nodiscard]] int get() const noexcept { return fd_.get(); }
  /// The next signal, without waiting.
  [[nodiscard]] std::optional<int> next() const noexcept;

 private:
  net::UniqueFd fd_;
};

/// For an attendant that starts: SIGHUP, SIGUSR1 and SIGUSR2 wait, and these alone, until it has made them a
/// SignalDescriptor. Their defaults would end it, and who signals all processes of its name cannot know.
void hold_signals() noexcept;

/// For a process just forked: all signals at their defaults, but SIGPIPE, SIGXFSZ, SIGINT, SIGHUP, SIGUSR1
/// and SIGUSR2 ignored (a terminal sends SIGINT to all processes at once, and the attendant alone decides
/// about the end). SIGTERM stays blocked until the process has made it a SignalDescriptor: one that comes
/// earlier is not lost, and kills nobody.
void reset_signals() noexcept;

}  // namespace httpd::daemon
