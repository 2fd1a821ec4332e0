// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/stream.h"

#include <cerrno>
#include <sys/socket.h>

namespace httpd::net {

IoResult PlainStream::read(char* buffer, std::size_t size) noexcept {
  for (;;) {
    const ssize_t count = ::recv(fd_.get(), buffer, size, 0);
    if (count > 0) return {IoResult::State::kDone, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::State::kEnd};
    if (errno == EINTR) continue;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
}

IoResult PlainStream::write(std::span<const iovec> pieces) noexcept {
  for (;;) {
    ssize_t count = 0;
    if (pieces.size() == 1) {
      count = ::send(fd_.get(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) does not write to them
      message.msg_iovlen = pieces.size();
      count = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    }
    if (count > 0) return {IoResult::State::kDone, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::State::kBlocked};
    if (errno == EINTR) continue;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
}

void PlainStream::finish_writing() noexcept {
  ::shutdown(fd_.get(), SHUT_WR);
}

}  // namespace httpd::net
