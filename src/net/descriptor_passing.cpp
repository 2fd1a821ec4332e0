// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/descriptor_passing.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace httpd::net {
namespace {

struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxPassed * sizeof(int))> bytes{};
};

}  // namespace

ssize_t send_with_descriptors(int socket, std::span<const iovec> pieces, std::span<const int> descriptors,
                              int flags) noexcept {
  Control control;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) does not write to them
  message.msg_iovlen = pieces.size();
  if (!descriptors.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = 0;
  do
    sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent;
}

ReceivedMessage receive_with_descriptors(int socket, std::span<char> buffer) noexcept {
  ReceivedMessage received;
  Control control;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  do
    received.bytes = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (received.bytes < 0 && errno == EINTR);
  if (received.bytes < 0) return received;
  received.flags = message.msg_flags;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
    return received;
  const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t index = 0; index < count && index < kMaxPassed; ++index) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header) + index * sizeof descriptor, sizeof descriptor);
    received.descriptors[index] = UniqueFd(descriptor);
  }
  return received;
}

}  // namespace httpd::net
