// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/stream.h"

#include <cerrno>
#include <sys/socket.h>

namespace httpd::net {

void Stream::abort() noexcept {
  const linger reset{1, 0};
  ::setsockopt(descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

IoResult PlainStream::read(char* buffer, std::size_t size) noexcept {
  return receive(fd_.get(), buffer, size);
}

IoResult PlainStream::write(std::span<const iovec> pieces) noexcept {
  return transmit(fd_.get(), pieces);
}

void PlainStream::finish_writing() noexcept {
  ::shutdown(fd_.get(), SHUT_WR);
}

IoResult receive(int descriptor, char* buffer, std::size_t size) noexcept {
  for (;;) {
    const ssize_t count = ::recv(descriptor, buffer, size, 0);
    if (count > 0) {
      const auto bytes = static_cast<std::size_t>(count);
      // A short read has emptied the socket (epoll(7)).
      return {IoResult::State::kDone, bytes, bytes < size};
    }
    if (count == 0) return {IoResult::State::kEnd};
    if (errno == EINTR) continue;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
}

IoResult transmit(int descriptor, std::span<const iovec> pieces) noexcept {
  for (;;) {
    ssize_t count = 0;
    if (pieces.size() == 1) {
      count = ::send(descriptor, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) does not write to them
      message.msg_iovlen = pieces.size();
      count = ::sendmsg(descriptor, &message, MSG_NOSIGNAL);
    }
    if (count > 0) return {IoResult::State::kDone, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::State::kBlocked};
    if (errno == EINTR) continue;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
}

}  // namespace httpd::net
