// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/meeting_point.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace httpd::process {
namespace {

constexpr int kSendBuffer = 256 * 1024;

struct Card {
  std::uint32_t index;
  pid_t process;
};

std::array<net::UniqueFd, 2> make_pair() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  // A message is sent whole or not at all, and the system's default may be less than the longest one.
  for (const int end : pair)
    static_cast<void>(::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer));
  return {net::UniqueFd(pair[0]), net::UniqueFd(pair[1])};
}

struct Envelope {
  Card card{};
  iovec piece{&card, sizeof card};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  Envelope() noexcept {
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;
};

}  // namespace

MeetingPoint::MeetingPoint() {
  auto [arriving, attending] = make_pair();
  arriving_ = std::move(arriving);
  attending_ = std::move(attending);
}

MeetingPoint::~MeetingPoint() {
  leave();
}

net::UniqueFd MeetingPoint::arrive(std::uint32_t index) {
  auto [own, other] = make_pair();
  Envelope envelope;
  envelope.card = {index, ::getpid()};
  cmsghdr* const header = CMSG_FIRSTHDR(&envelope.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = other.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  while (::sendmsg(arriving_.get(), &envelope.message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "cannot reach the HTTPD process");
  return std::move(own);
}

void MeetingPoint::attend(net::EventLoop& loop, std::function<void(Arrival)> meet) {
  meet_ = std::move(meet);
  loop.add(attending_.get(), EPOLLIN, *this);
  loop_ = &loop;
  keep_reserve();
}

void MeetingPoint::keep_reserve() noexcept {
  if (loop_ == nullptr) return;
  for (net::UniqueFd& spare : reserve_)
    if (!spare) spare = net::UniqueFd(::fcntl(attending_.get(), F_DUPFD_CLOEXEC, 0));
}

void MeetingPoint::leave() noexcept {
  reserve_ = {};
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->remove(attending_.get(), *this);
}

void MeetingPoint::close() noexcept {
  // In a copy of the HTTPD process the loop is that of the original.
  loop_ = nullptr;
  reserve_ = {};
  arriving_.reset();
  attending_.reset();
}

void MeetingPoint::on_events(std::uint32_t /*events*/) {
  reserve_ = {};
  if (std::optional<Arrival> arrival = take_arrival()) meet_(std::move(*arrival));
  keep_reserve();
}

std::optional<Arrival> MeetingPoint::take_arrival() noexcept {
  Envelope envelope;
  const ssize_t received = ::recvmsg(attending_.get(), &envelope.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  // An end there can only be when a handler has shut the socket down; it would be reported for ever.
  if (received == 0) leave();
  if (received != static_cast<ssize_t>(sizeof(Card))) return std::nullopt;
  const cmsghdr* const header = CMSG_FIRSTHDR(&envelope.message);
  // Without a descriptor left here the kernel closes the socket, and the handler process comes again.
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return std::nullopt;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Arrival{envelope.card.index, envelope.card.process, net::UniqueFd(fd)};
}

}  // namespace httpd::process
