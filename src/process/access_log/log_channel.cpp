// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/log_channel.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace httpd::process {
namespace {
constexpr int kSendBuffer = 256 * 1024;  // several of the longest messages
}

LogChannel::LogChannel() : reopening_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  std::array<int, 2> pair{};
  if (!reopening_ || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "the way to the access log");
  sending_ = net::UniqueFd(pair[0]);
  receiving_ = net::UniqueFd(pair[1]);
  static_cast<void>(::setsockopt(sending_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer));
}

void LogChannel::request_reopen() noexcept {
  const std::uint64_t one = 1;
  // It fails where so many requests wait already that one more says nothing new.
  static_cast<void>(::write(reopening_.get(), &one, sizeof one) == sizeof one);
}

}  // namespace httpd::process
