// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/meeting_point.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "net/descriptor_passing.h"

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
  Card card{index, ::getpid()};
  const iovec piece{&card, sizeof card};
  const int fd = other.get();
  if (net::send_with_descriptors(arriving_.get(), std::span(&piece, 1), std::span(&fd, 1), 0) < 0)
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
  Card card{};
  net::ReceivedMessage received =
      net::receive_with_descriptors(attending_.get(), std::span(reinterpret_cast<char*>(&card), sizeof card));
  // An end there can only be when a handler has shut the socket down; it would be reported for ever.
  if (received.bytes == 0) leave();
  // Without a descriptor left here the kernel closes the socket, and the handler process comes again.
  if (received.bytes != static_cast<ssize_t>(sizeof card) || !received.descriptors[0]) return std::nullopt;
  return Arrival{card.index, card.process, std::move(received.descriptors[0])};
}

}  // namespace httpd::process
