// What tells one client from another, where something is counted by client.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "net/address.h"

namespace httpd::server {

/// An IPv4 address, or an IPv6 network of 64 bits, of which one host commonly has all. All clients of Unix
/// sockets are one, and so are all whose address nobody knows.
struct ClientKey {
  std::uint64_t bits = 0;
  int family = 0;
  [[nodiscard]] static ClientKey of(const net::Address& client) noexcept;
  bool operator==(const ClientKey&) const noexcept = default;
  /// "192.0.2.1", "2001:db8::/64", "unix", or "unknown".
  [[nodiscard]] std::string text() const;

  /// Strangers choose their addresses, so they must not be able to foresee where they land.
  struct Hash {
    std::uint64_t seed = random_seed();
    std::size_t operator()(const ClientKey& key) const noexcept;
    static std::uint64_t random_seed();
  };
};

}  // namespace httpd::server
