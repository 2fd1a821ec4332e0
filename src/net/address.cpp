// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/address.h"

#include <arpa/inet.h>
#include <cstring>
#include <net/if.h>

namespace httpd::net {

Address::Address(const sockaddr& address, socklen_t length) noexcept : storage_{} {
  if (address.sa_family == AF_INET && length >= sizeof storage_.v4) {
    std::memcpy(&storage_.v4, &address, sizeof storage_.v4);
  } else if (address.sa_family == AF_INET6 && length >= sizeof storage_.v6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      storage_.v4.sin_family = AF_INET;
      storage_.v4.sin_port = v6.sin6_port;
      std::memcpy(&storage_.v4.sin_addr, &v6.sin6_addr.s6_addr[12], sizeof storage_.v4.sin_addr);
    } else {
      storage_.v6 = v6;
    }
  } else if (address.sa_family == AF_UNIX && length >= sizeof address.sa_family) {
    storage_.any.sa_family = AF_UNIX;
  }
}

std::optional<Address> Address::parse(std::string_view literal, std::uint16_t port) {
  const std::string text(literal);
  if (text.size() != std::strlen(text.c_str())) return std::nullopt;
  Address address;
  if (::inet_pton(AF_INET, text.c_str(), &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
    address.storage_.v4.sin_port = htons(port);
    return address;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const std::size_t zone = text.find('%');
  if (::inet_pton(AF_INET6, text.substr(0, zone).c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  // A link-local address means nothing without the interface it is on, and no other address has one.
  if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) != (zone != std::string::npos)) return std::nullopt;
  if (zone != std::string::npos) {
    v6.sin6_scope_id = ::if_nametoindex(text.c_str() + zone + 1);
    if (v6.sin6_scope_id == 0) return std::nullopt;
  }
  return Address(reinterpret_cast<sockaddr&>(v6), sizeof v6);
}

Address Address::any_v4(std::uint16_t port) noexcept {
  Address address;
  address.storage_.v4.sin_family = AF_INET;
  address.storage_.v4.sin_port = htons(port);
  return address;
}

Address Address::any_v6(std::uint16_t port) noexcept {
  Address address;
  address.storage_.v6.sin6_family = AF_INET6;
  address.storage_.v6.sin6_port = htons(port);
  return address;
}

socklen_t Address::size() const noexcept {
  return family() == AF_INET    ? sizeof storage_.v4
         : family() == AF_INET6 ? sizeof storage_.v6
                                : sizeof storage_.any;
}

std::uint16_t Address::port() const noexcept {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

bool Address::is_loopback() const noexcept {
  if (family() == AF_INET) return (ntohl(storage_.v4.sin_addr.s_addr) >> 24U) == 127;
  if (family() == AF_UNIX) return true;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr);
}

bool Address::is_any() const noexcept {
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
}

std::string Address::ip_text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET && ::inet_ntop(AF_INET, &storage_.v4.sin_addr, buffer, sizeof buffer) != nullptr)
    return buffer;
  if (family() == AF_INET6 && ::inet_ntop(AF_INET6, &storage_.v6.sin6_addr, buffer, sizeof buffer) != nullptr)
    return '[' + std::string(buffer) + ']';
  return family() == AF_UNIX ? "unix" : "unknown";
}

std::string Address::text() const {
  const bool has_port = family() == AF_INET || family() == AF_INET6;
  return has_port ? ip_text() + ':' + std::to_string(port()) : ip_text();
}

bool Address::operator==(const Address& other) const noexcept {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == other.storage_.v4.sin_addr.s_addr;
  return family() == AF_INET6 && storage_.v6.sin6_scope_id == other.storage_.v6.sin6_scope_id &&
         IN6_ARE_ADDR_EQUAL(&storage_.v6.sin6_addr, &other.storage_.v6.sin6_addr);
}

}  // namespace httpd::net
