// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/network.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <string>

namespace httpd::net {
namespace {

/// `bytes` with all bits behind the first `prefix` ones cleared.
AddressBytes masked(AddressBytes bytes, unsigned prefix) noexcept {
  for (unsigned i = 0; i < bytes.size(); ++i) {
    const unsigned kept = prefix > i * 8 ? prefix - i * 8 : 0;
    if (kept < 8) bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xFF00U >> kept));
  }
  return bytes;
}

}  // namespace

AddressBytes bytes_of(const Address& address) noexcept {
  AddressBytes bytes{};
  if (address.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.get());
    std::memcpy(bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (address.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.get());
    std::memcpy(bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  return bytes;
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string literal(text.substr(0, slash));
  Network network;
  if (::inet_pton(AF_INET, literal.c_str(), network.bytes_.data()) == 1) {
    network.family_ = AF_INET;
  } else if (::inet_pton(AF_INET6, literal.c_str(), network.bytes_.data()) == 1) {
    network.family_ = AF_INET6;
    in6_addr v6{};
    std::memcpy(&v6, network.bytes_.data(), sizeof v6);
    // Clients of such an address are IPv4 clients, so that it would never match.
    if (IN6_IS_ADDR_V4MAPPED(&v6)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  const unsigned most = network.family_ == AF_INET ? 32 : 128;
  unsigned prefix = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size() || prefix > most) return std::nullopt;
  }
  network.prefix_ = static_cast<std::uint8_t>(prefix);
  if (masked(network.bytes_, prefix) != network.bytes_) return std::nullopt;
  return network;
}

bool Network::contains(const Address& address) const noexcept {
  return address.family() == family_ && masked(bytes_of(address), prefix_) == bytes_;
}

}  // namespace httpd::net
