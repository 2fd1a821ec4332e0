// Networks of addresses, as administrators list them. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/address.h"

namespace httpd::net {

/// The bytes of an IPv4 or IPv6 address in network order; the rest of the 16 is 0.
using AddressBytes = std::array<std::uint8_t, 16>;
[[nodiscard]] AddressBytes bytes_of(const Address& address) noexcept;

/// All addresses that begin with the same bits (RFC 4632, RFC 4291 section 2.3).
class Network {
 public:
  /// From "10.0.0.0/8", "2001:db8::/32", or an address, which is a network of one. Nothing for anything else,
  /// for a network with bits behind its prefix, for an address with a zone, and for IPv4-mapped ones.
  static std::optional<Network> parse(std::string_view text);
  /// Never true for an address of another family.
  [[nodiscard]] bool contains(const Address& address) const noexcept;
  [[nodiscard]] bool operator==(const Network& other) const noexcept = default;

 private:
  sa_family_t family_ = AF_UNSPEC;
  std::uint8_t prefix_ = 0;  // bits
  AddressBytes bytes_{};
};

}  // namespace httpd::net
