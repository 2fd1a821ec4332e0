// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace httpd::net {
namespace {

constexpr std::uint64_t kLongestSend = std::uint64_t{1} << 30;  // sendfile(2) takes no more than 2 GiB

/// Like transmit_file(), without sendfile(2).
IoResult copy_file(int descriptor, const FilePart& part) noexcept {
  std::array<char, 16 * 1024> buffer;
  const FilePart piece{part.descriptor, part.offset, std::min<std::uint64_t>(part.size, buffer.size())};
  if (!read_file(piece, buffer.data())) return {IoResult::State::kFailed, 0, false, false, true};
  const iovec bytes{buffer.data(), static_cast<std::size_t>(piece.size)};
  return transmit(descriptor, std::span(&bytes, 1));
}

}  // namespace

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

IoResult PlainStream::write_with_more(std::span<const iovec> pieces) noexcept {
  return transmit(fd_.get(), pieces, MSG_MORE);
}

IoResult PlainStream::send_file(const FilePart& part) noexcept {
  return transmit_file(fd_.get(), part);
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

IoResult transmit(int descriptor, std::span<const iovec> pieces, int flags) noexcept {
  for (;;) {
    ssize_t count = 0;
    if (pieces.size() == 1) {
      count = ::send(descriptor, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL | flags);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg(2) does not write to them
      message.msg_iovlen = pieces.size();
      count = ::sendmsg(descriptor, &message, MSG_NOSIGNAL | flags);
    }
    if (count > 0) return {IoResult::State::kDone, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::State::kBlocked};
    if (errno == EINTR) continue;
    return {errno == EAGAIN ? IoResult::State::kBlocked : IoResult::State::kFailed};
  }
}

std::size_t unsent_bytes(int descriptor) noexcept {
  int bytes = 0;
  return ::ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

IoResult transmit_file(int descriptor, const FilePart& part) noexcept {
  auto offset = static_cast<off_t>(part.offset);
  const auto size = static_cast<std::size_t>(std::min(part.size, kLongestSend));
  for (;;) {
    const ssize_t count = ::sendfile(descriptor, part.descriptor, &offset, size);
    if (count > 0) return {IoResult::State::kDone, static_cast<std::size_t>(count)};
    if (count == 0) return {IoResult::State::kFailed, 0, false, false, true};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return {IoResult::State::kBlocked};
    // Neither says whose fault it is, nor can every file system do it: one step at a time tells.
    return copy_file(descriptor, part);
  }
}

bool read_file(const FilePart& part, char* buffer) noexcept {
  for (std::uint64_t done = 0; done < part.size;) {
    const ssize_t count = ::pread(part.descriptor, buffer + done, static_cast<std::size_t>(part.size - done),
                                  static_cast<off_t>(part.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::uint64_t>(count);
  }
  return true;
}

}  // namespace httpd::net
