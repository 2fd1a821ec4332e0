// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/signals.h"

#include <cerrno>
#include <sys/signalfd.h>
#include <system_error>

namespace httpd::daemon {

SignalDescriptor::SignalDescriptor(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals)
    ::sigaddset(&set, signal);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0)
    throw std::system_error(errno, std::generic_category(), "sigprocmask");
  fd_ = net::UniqueFd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) throw std::system_error(errno, std::generic_category(), "signalfd");
}

std::optional<int> SignalDescriptor::next() const noexcept {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void hold_signals() noexcept {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2})
    ::sigaddset(&held, signal);
  ::sigprocmask(SIG_SETMASK, &held, nullptr);
}

void reset_signals() noexcept {
  for (const int signal : {SIGTERM, SIGCHLD})
    static_cast<void>(std::signal(signal, SIG_DFL));
  // SIGXFSZ: a memory file that grows beyond the limit of file sizes is an error like any other.
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGINT, SIGHUP, SIGUSR1, SIGUSR2})
    static_cast<void>(std::signal(signal, SIG_IGN));
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
}

}  // namespace httpd::daemon
