// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/listener.h"

#include <cerrno>
#include <netinet/tcp.h>
#include <optional>
#include <system_error>

namespace httpd::net {
namespace {

constexpr int kBacklog = 4096;      // the kernel cuts it to net.core.somaxconn
constexpr int kAcceptsInARow = 64;  // connections already open get their turn between
constexpr Duration kPause = std::chrono::seconds(1);

void set_option(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0)
    throw std::system_error(errno, std::generic_category(), "setsockopt");
}

/// A bound socket, or none with errno set.
UniqueFd try_bind(const Address& address, bool dual_stack) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  // Replies go out in one writev each, so Nagle's algorithm would only delay them.
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  // Urgent data would end reads early; HTTP has no use for it, so it is data like any other.
  set_option(fd.get(), SOL_SOCKET, SO_OOBINLINE, 1);
  if (::bind(fd.get(), &address.get(), address.size()) != 0) {
    const int error = errno;
    fd.reset();
    errno = error;
  }
  return fd;
}

}  // namespace

ListenSocket::ListenSocket(UniqueFd fd, const Address& address, bool all_interfaces)
    : fd_(std::move(fd)), address_(address), all_interfaces_(all_interfaces) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &length) == 0)
    address_ = Address(reinterpret_cast<sockaddr&>(bound), length);
}

ListenSocket ListenSocket::bind(std::string_view ip, std::uint16_t port) {
  const bool all = ip == "*";
  std::optional<Address> address = all ? Address::any_v6(port) : Address::parse(ip, port);
  if (!address) throw std::system_error(EINVAL, std::generic_category(), "bind");
  UniqueFd fd = try_bind(*address, all);
  if (!fd && all && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == EPROTONOSUPPORT)) {
    address = Address::any_v4(port);
    fd = try_bind(*address, false);
  }
  if (!fd) throw std::system_error(errno, std::generic_category(), "bind");
  return {std::move(fd), *address, all};
}

void ListenSocket::listen() {
  if (::listen(fd_.get(), kBacklog) != 0) throw std::system_error(errno, std::generic_category(), "listen");
}

std::string ListenSocket::text() const {
  return all_interfaces_ ? "*:" + std::to_string(address_.port()) : address_.text();
}

Listener::Listener(EventLoop& loop, const ListenSocket& socket, Acceptor& acceptor)
    : loop_(loop), socket_(socket), acceptor_(acceptor) {
  watch(true);
}

Listener::~Listener() {
  watch(false);
}

void Listener::watch(bool on) {
  if (on == watching_) return;
  if (on) {
    loop_.add(socket_.descriptor(), EPOLLIN, *this);
  } else {
    loop_.remove(socket_.descriptor(), *this);
  }
  watching_ = on;
}

void Listener::on_events(std::uint32_t /*events*/) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    UniqueFd fd(::accept4(socket_.descriptor(), reinterpret_cast<sockaddr*>(&peer), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      acceptor_.on_accept(std::move(fd), Address(reinterpret_cast<sockaddr&>(peer), length), socket_);
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        // The socket stays readable, so going on to watch it would spin.
        watch(false);
        loop_.arm(*this, kPause);
        acceptor_.on_accept_failure(errno);
        return;
      default:
        // The connection was reset while it waited, or the network failed it (accept(2) lists a dozen names):
        // the next one may be well.
        continue;
    }
  }
}

void Listener::on_timer() noexcept {
  if (loop_.try_add(socket_.descriptor(), EPOLLIN, *this) == 0) {
    watching_ = true;
  } else {
    loop_.arm(*this, kPause);
  }
}

}  // namespace httpd::net
