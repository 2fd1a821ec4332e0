// Listening sockets: bound once by whoever starts the processes, watched by the process that serves them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/address.h"
#include "net/event_loop.h"
#include "net/unique_fd.h"

namespace httpd::net {

/// A bound socket. Accepted sockets inherit its TCP options, so that setting them costs nothing a connection.
class ListenSocket {
 public:
  /// Binds `ip` (a literal, or "*" for all IPv6 and IPv4 interfaces through one dual-stack socket, IPv4 alone
  /// where the kernel has no IPv6) and `port`; port 0 lets the kernel choose. Throws std::system_error.
  static ListenSocket bind(std::string_view ip, std::uint16_t port);
  /// Starts to take connections. Throws std::system_error.
  void listen();

  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  /// The address bound, with the port that was chosen.
  [[nodiscard]] const Address& address() const noexcept { return address_; }
  /// As administrators write it: "*:8888", "127.0.0.1:8888", "[::1]:8888".
  [[nodiscard]] std::string text() const;
  /// True when only this machine can connect.
  [[nodiscard]] bool is_loopback() const noexcept { return address_.is_loopback(); }
  /// Drops this process's copy of the socket; others that inherited it go on.
  void close() noexcept { fd_.reset(); }

 private:
  ListenSocket(UniqueFd fd, const Address& address, bool all_interfaces);
  UniqueFd fd_;
  Address address_;
  bool all_interfaces_;
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
  /// A descriptor was closed: ends a pause early.
  void resume() noexcept {
    if (!watching_) on_timer();
  }

 private:
  void on_events(std::uint32_t events) override;
  void on_timer() noexcept override;
  void watch(bool on);

  EventLoop& loop_;
  const ListenSocket& socket_;
  Acceptor& acceptor_;
  bool watching_ = false;
};

}  // namespace httpd::net
