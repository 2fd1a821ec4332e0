// Listening sockets: bound once by whoever starts the processes, watched by the process that serves them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/event_loop.h"
#include "net/unique_fd.h"
#include "net/unix_socket.h"

namespace httpd::net {

/// A bound socket. Accepted sockets inherit its TCP options, so that setting them costs nothing a connection.
class ListenSocket {
 public:
  /// Binds `ip` (a literal, or "*" for all IPv6 and IPv4 interfaces through one dual-stack socket, IPv4 alone
  /// where the kernel has no IPv6) and `port`; port 0 lets the kernel choose. Throws std::system_error.
  static ListenSocket bind(std::string_view ip, std::uint16_t port);
  /// Binds a Unix socket, which takes connections at once. Its file goes as UnixSocketFile says. Throws
  /// UnixSocketError.
  static ListenSocket bind_unix(const UnixSocketPlace& place);
  /// Takes over a socket that listens already, and makes it non-blocking and close-on-exec; a Unix socket's
  /// file stays with whoever made it. Throws std::system_error: ENOTSOCK, EPROTOTYPE when it is no stream
  /// socket, EAFNOSUPPORT when it is neither TCP nor Unix, EINVAL when it does not listen.
  static ListenSocket adopt(UniqueFd fd);
  /// The same for one that bind() or bind_unix() made in a process that hands it on, by their names for it.
  /// The file stays with that process until own_file().
  static ListenSocket adopt_made(UniqueFd fd);
  /// The process that made the file of this Unix socket has left it to this one.
  void own_file() noexcept { file_ = UnixSocketFile::find(path_); }
  /// Leaves the file to another process.
  void leave_file() noexcept { file_.leave(); }
  /// True when the file goes with this object.
  [[nodiscard]] bool has_file() const noexcept { return file_.exists(); }
  /// Starts to take connections, if it does not yet. Throws std::system_error.
  void listen();

  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  /// The address bound, with the port that was chosen.
  [[nodiscard]] const Address& address() const noexcept { return address_; }
  [[nodiscard]] bool is_unix() const noexcept { return address_.family() == AF_UNIX; }
  /// True when it takes connections to all addresses of the machine, IPv6 and IPv4.
  [[nodiscard]] bool is_dual_stack() const noexcept {
    return all_interfaces_ && address_.family() == AF_INET6;
  }
  /// The same where the kernel has no IPv6.
  [[nodiscard]] bool is_all_ipv4() const noexcept { return all_interfaces_ && address_.family() == AF_INET; }
  /// As administrators write it: "*:8888", "127.0.0.1:8888", "[::1]:8888", "/run/httpd.sock"; "@name" for a
  /// Unix socket without a file.
  [[nodiscard]] std::string text() const;
  /// True when only this machine can connect.
  [[nodiscard]] bool is_loopback() const noexcept { return address_.is_loopback(); }
  /// Drops this process's copy of the socket; others that inherited it go on.
  void close() noexcept { fd_.reset(); }

 private:
  ListenSocket(UniqueFd fd, bool all_interfaces);
  UniqueFd fd_;
  Address address_;
  bool all_interfaces_;
  std::string path_;     // of a Unix socket
  UnixSocketFile file_;  // one that was made here; gone before the socket is closed
};

/// Accepts connections from a ListenSocket in an event loop.
class Listener final : private EventHandler, private Timer {
 public:
  class Acceptor {
   public:
    /// A new connection: non-blocking, close-on-exec.
    virtual void on_accept(UniqueFd fd, const Address& peer, const ListenSocket& listener) = 0;
    /// Accepting failed for want of descriptors or memory (`error`, an errno) and pauses for a second.
    virtual void on_accept_failure(int error) = 0;

   protected:
    ~Acceptor() = default;
  };

  /// Starts at once. All three must outlive the listener. Throws std::system_error.
  Listener(EventLoop& loop, const ListenSocket& socket, Acceptor& acceptor);
  ~Listener() override;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Accepts nothing that would get a descriptor above `last`, as if there were no more: others need them.
  void stop_at(int last) noexcept { last_ = last; }
  /// Accepts what waits, which would be reset when the socket is closed: 4096 connections at most.
  void accept_waiting();
  /// A descriptor was closed: ends a pause early.
  void resume() noexcept {
    if (!watching_) on_timer();
  }

 private:
  void on_events(std::uint32_t events) override;
  void on_timer() noexcept override;
  [[nodiscard]] bool accept_some();
  void watch(bool on);
  void pause(int error);
  [[nodiscard]] bool is_full() const noexcept;

  EventLoop& loop_;
  const ListenSocket& socket_;
  Acceptor& acceptor_;
  int last_ = std::numeric_limits<int>::max();
  bool near_last_ = false;  // the last connection was: looking costs two system calls
  bool watching_ = false;
};

}  // namespace httpd::net
