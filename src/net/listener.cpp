// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/listener.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <optional>
#include <system_error>

namespace httpd::net {
namespace {

constexpr int kUnsent = 128 * 1024;  // bytes that a socket takes ahead of what its client's window lets go
constexpr int kBacklog = 4096;       // the kernel cuts it to net.core.somaxconn
constexpr int kMostWaiting = 4096;   // at the end, when nobody comes after them
constexpr int kAcceptsInARow = 64;   // connections already open get their turn between
constexpr int kNear = 64;            // descriptors before the last one, from where on it is looked for
constexpr Duration kPause = std::chrono::seconds(1);

void set_option(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0)
    throw std::system_error(errno, std::generic_category(), "setsockopt");
}

int get_option(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd, level, name, &value, &length) != 0)
    throw std::system_error(errno, std::generic_category(), "getsockopt");
  return value;
}

void set_tcp_options(int fd) {
  // Replies go out in one writev each, so Nagle's algorithm would only delay them.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  // Urgent data would end reads early; HTTP has no use for it, so it is data like any other.
  set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
  // For a client with a tiny window the kernel makes a segment of every few bytes: megabytes of that take a
  // millisecond, and a thousand such clients the whole machine.
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsent);
}

/// The path of a Unix socket; "@name" for one that has no file, "@" where it has no name either.
std::string path_of(const sockaddr_un& address, socklen_t length) {
  const std::size_t start = offsetof(sockaddr_un, sun_path);
  const std::size_t size = length > start ? length - start : 0;
  if (size == 0 || address.sun_path[0] == '\0')
    return '@' + std::string(address.sun_path + 1, size == 0 ? 0 : size - 1);
  return {address.sun_path, ::strnlen(address.sun_path, size)};
}

/// A bound socket, or none with errno set.
UniqueFd try_bind(const Address& address, bool dual_stack) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  set_tcp_options(fd.get());
  if (::bind(fd.get(), &address.get(), address.size()) != 0) {
    const int error = errno;
    fd.reset();
    errno = error;
  }
  return fd;
}

}  // namespace

ListenSocket::ListenSocket(UniqueFd fd, bool all_interfaces)
    : fd_(std::move(fd)), all_interfaces_(all_interfaces) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0)
    throw std::system_error(errno, std::generic_category(), "getsockname");
  address_ = Address(reinterpret_cast<sockaddr&>(bound), length);
  if (is_unix()) path_ = path_of(reinterpret_cast<sockaddr_un&>(bound), length);
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
  return {std::move(fd), all};
}

ListenSocket ListenSocket::bind_unix(const UnixSocketPlace& place) {
  UnixListener listener = UnixListener::bind(place, kBacklog);
  ListenSocket socket(std::move(listener.fd), false);
  socket.path_ = place.path;  // the kernel knows the name that it was made under
  socket.file_ = std::move(listener.file);
  return socket;
}

ListenSocket ListenSocket::adopt(UniqueFd fd) {
  const auto refuse = [](int error) { throw std::system_error(error, std::generic_category(), "adopt"); };
  if (get_option(fd.get(), SOL_SOCKET, SO_TYPE) != SOCK_STREAM) refuse(EPROTOTYPE);
  const int family = get_option(fd.get(), SOL_SOCKET, SO_DOMAIN);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) refuse(EAFNOSUPPORT);
  if (get_option(fd.get(), SOL_SOCKET, SO_ACCEPTCONN) == 0) refuse(EINVAL);
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0)
    refuse(errno);
  if (family != AF_UNIX) set_tcp_options(fd.get());
  const bool both = family == AF_INET6 && get_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
  ListenSocket socket(std::move(fd), false);
  socket.all_interfaces_ = both && socket.address_.is_any();
  return socket;
}

ListenSocket ListenSocket::adopt_made(UniqueFd fd) {
  ListenSocket socket = adopt(std::move(fd));
  if (socket.is_unix() && socket.path_.ends_with(kUnixDraftSuffix))
    socket.path_.resize(socket.path_.size() - (sizeof kUnixDraftSuffix - 1));
  // Where the kernel has no IPv6, "*" is this.
  if (socket.address_.family() == AF_INET && socket.address_.is_any()) socket.all_interfaces_ = true;
  return socket;
}

void ListenSocket::listen() {
  if (::listen(fd_.get(), kBacklog) != 0) throw std::system_error(errno, std::generic_category(), "listen");
}

std::string ListenSocket::text() const {
  if (is_unix()) return path_;
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
  (void)accept_some();
}

void Listener::accept_waiting() {
  for (int left = kMostWaiting; watching_ && left > 0 && accept_some();)
    left -= kAcceptsInARow;
}

/// Whether more may wait.
bool Listener::accept_some() {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    if (near_last_ && is_full()) {
      pause(EMFILE);
      return false;
    }
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    UniqueFd fd(::accept4(socket_.descriptor(), reinterpret_cast<sockaddr*>(&peer), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      near_last_ = fd.get() >= last_ - kNear;
      acceptor_.on_accept(std::move(fd), Address(reinterpret_cast<sockaddr&>(peer), length), socket_);
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return false;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        pause(errno);
        return false;
      default:
        // The connection was reset while it waited, or the network failed it (accept(2) lists a dozen names):
        // the next one may be well.
        continue;
    }
  }
  return true;
}

void Listener::pause(int error) {
  // The socket stays readable, so going on to watch it would spin.
  watch(false);
  loop_.arm(*this, kPause);
  acceptor_.on_accept_failure(error);
}

/// Whether the next descriptor would be beyond the last one.
bool Listener::is_full() const noexcept {
  const UniqueFd next(::fcntl(socket_.descriptor(), F_DUPFD_CLOEXEC, 0));
  return !next || next.get() > last_;
}

void Listener::on_timer() noexcept {
  if (loop_.try_add(socket_.descriptor(), EPOLLIN, *this) == 0) {
    watching_ = true;
  } else {
    loop_.arm(*this, kPause);
  }
}

}  // namespace httpd::net
