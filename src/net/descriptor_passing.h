// Messages over Unix sockets that carry descriptors (SCM_RIGHTS, unix(7)).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <sys/types.h>
#include <sys/uio.h>

#include "net/unique_fd.h"

namespace httpd::net {

constexpr std::size_t kMaxPassed = 2;  // descriptors in one message

/// sendmsg(2) with these descriptors, at most kMaxPassed, which stay the caller's; SIGPIPE never comes.
/// `flags`: others of sendmsg(2). The number of bytes sent, or -1 and errno, which is not EINTR.
[[nodiscard]] ssize_t send_with_descriptors(int socket, std::span<const iovec> pieces,
                                            std::span<const int> descriptors, int flags) noexcept;

/// What recvmsg(2) gave.
struct ReceivedMessage {
  ssize_t bytes = -1;                            ///< 0 at the end; -1 with errno, which is not EINTR
  int flags = 0;                                 ///< MSG_TRUNC, MSG_CTRUNC
  std::array<UniqueFd, kMaxPassed> descriptors;  ///< close-on-exec; in the order in which they were sent
};
/// Takes one message, and never blocks.
[[nodiscard]] ReceivedMessage receive_with_descriptors(int socket, std::span<char> buffer) noexcept;

}  // namespace httpd::net
