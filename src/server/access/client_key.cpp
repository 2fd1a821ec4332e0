// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/client_key.h"

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
