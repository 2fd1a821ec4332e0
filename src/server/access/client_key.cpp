// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/client_key.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <random>

#include "net/network.h"

namespace httpd::server {

ClientKey ClientKey::of(const net::Address& client) noexcept {
  ClientKey key{0, client.family()};
  const net::AddressBytes bytes = net::bytes_of(client);
  std::memcpy(&key.bits, bytes.data(), sizeof key.bits);
  return key;
}

std::string ClientKey::text() const {
  if (family == AF_UNIX) return "unix";
  if (family != AF_INET && family != AF_INET6) return "unknown";
  std::array<char, sizeof bits> prefix{};
  std::memcpy(prefix.data(), &bits, sizeof bits);
  std::array<char, sizeof(in6_addr)> address{};
  std::ranges::copy(prefix, address.begin());
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, address.data(), text.data(), text.size());
  return std::string(text.data()) + (family == AF_INET6 ? "/64" : "");
}

std::uint64_t ClientKey::Hash::random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

/// The finalizer of SplitMix64 over the address and a secret.
std::size_t ClientKey::Hash::operator()(const ClientKey& key) const noexcept {
  std::uint64_t x =
      (key.bits ^ seed) + static_cast<std::uint64_t>(static_cast<unsigned>(key.family)) * 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U) ^ seed) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

}  // namespace httpd::server
