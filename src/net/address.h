// Socket addresses: literals in and out, and the forms that the rest of the engine wants them in.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace httpd::net {

/// An IPv4 or IPv6 address with a port, or a place in the Unix domain without its path. 28 bytes: one is kept
/// for each connection.
class Address {
 public:
  Address() noexcept : storage_{} {}
  /// Takes over what accept(2) or getsockname(2) gave. An IPv4-mapped IPv6 address becomes the IPv4 address
  /// it is. Of AF_UNIX the family alone is kept. Any other family gives an unspecified address (AF_UNSPEC).
  Address(const sockaddr& address, socklen_t length) noexcept;
  /// From an IPv4 or IPv6 literal (without brackets; a link-local one with its zone: "fe80::1%eth0"); nothing
  /// when it is neither.
  static std::optional<Address> parse(std::string_view literal, std::uint16_t port);
  static Address any_v4(std::uint16_t port) noexcept;
  static Address any_v6(std::uint16_t port) noexcept;

  [[nodiscard]] const sockaddr& get() const noexcept { return storage_.any; }
  [[nodiscard]] socklen_t size() const noexcept;
  [[nodiscard]] int family() const noexcept { return storage_.any.sa_family; }
  /// In host byte order; 0 for AF_UNIX and AF_UNSPEC.
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// True for an address that belongs to this machine alone; the Unix domain does.
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] bool is_any() const noexcept;
  /// "192.0.2.1:8888", "[2001:db8::1]:8888", "unix", or "unknown".
  [[nodiscard]] std::string text() const;
  /// The same without the port: "192.0.2.1", "[2001:db8::1]".
  [[nodiscard]] std::string ip_text() const;
  /// The same address, port and zone. Never true for AF_UNIX and AF_UNSPEC: what differs there is not kept.
  [[nodiscard]] bool operator==(const Address& other) const noexcept;

 private:
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

}  // namespace httpd::net
