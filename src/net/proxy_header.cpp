// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/proxy_header.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace httpd::net {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kBegin1 = "PROXY ";
constexpr std::size_t kMaxLine = 107;  // of version 1, with its CR LF
constexpr std::string_view kBegin2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedPart = 16;  // of version 2

ProxyHeader malformed() noexcept {
  ProxyHeader header;
  header.state = State::kMalformed;
  return header;
}

// ---- version 1: a line of text

/// The text up to the next space, which is taken away with it.
std::string_view next_word(std::string_view& line) noexcept {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

std::optional<std::uint16_t> read_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end != text.data() + text.size() || leading_zero) return std::nullopt;
  return port;
}

bool make_address(int family, std::string_view ip, std::string_view port_text, Address& address) noexcept {
  std::array<char, INET6_ADDRSTRLEN> literal{};
  if (ip.size() >= literal.size() || ip.find('\0') != std::string_view::npos) return false;
  ip.copy(literal.data(), ip.size());
  const std::optional<std::uint16_t> port = read_port(port_text);
  if (!port) return false;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(*port);
    if (::inet_pton(AF_INET, literal.data(), &v4.sin_addr) != 1) return false;
    address = Address(reinterpret_cast<const sockaddr&>(v4), sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(*port);
    if (::inet_pton(AF_INET6, literal.data(), &v6.sin6_addr) != 1) return false;
    address = Address(reinterpret_cast<const sockaddr&>(v6), sizeof v6);
  }
  return true;
}

ProxyHeader parse_line(std::string_view bytes) noexcept {
  const std::size_t end = bytes.substr(0, kMaxLine).find("\r\n");
  if (end == std::string_view::npos) return bytes.size() < kMaxLine ? ProxyHeader{} : malformed();
  ProxyHeader header;
  header.size = end + 2;
  header.state = State::kComplete;
  std::string_view line = bytes.substr(kBegin1.size(), end - std::min(end, kBegin1.size()));
  const std::string_view protocol = next_word(line);
  if (protocol == "UNKNOWN") return header;  // whatever follows is not to be read
  if (protocol != "TCP4" && protocol != "TCP6") return malformed();
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  const std::string_view client = next_word(line);
  const std::string_view server = next_word(line);
  const std::string_view client_port = next_word(line);
  // The last word is what is left: nothing may follow it.
  if (!make_address(family, client, client_port, header.client) ||
      !make_address(family, server, line, header.server))
    return malformed();
  return header;
}

// ---- version 2: binary

enum : unsigned { kLocal = 0x20, kProxy = 0x21 };
enum : unsigned { kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31 };

std::size_t number(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8U |
         static_cast<unsigned char>(bytes[at + 1]);
}

template <typename Ip, typename Socket>
void read_addresses(std::string_view bytes, ProxyHeader& header, Socket socket, Ip Socket::*ip,
                    in_port_t Socket::*port) noexcept {
  const std::size_t ports = 2 * sizeof(Ip);
  std::memcpy(&(socket.*ip), bytes.data(), sizeof(Ip));
  std::memcpy(&(socket.*port), bytes.data() + ports, sizeof(in_port_t));
  header.client = Address(reinterpret_cast<const sockaddr&>(socket), sizeof socket);
  std::memcpy(&(socket.*ip), bytes.data() + sizeof(Ip), sizeof(Ip));
  std::memcpy(&(socket.*port), bytes.data() + ports + sizeof(in_port_t), sizeof(in_port_t));
  header.server = Address(reinterpret_cast<const sockaddr&>(socket), sizeof socket);
}

/// Type-length-value triples: nothing in them is of use here, but a header whose parts do not add up is
/// broken.
bool are_triples(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    if (bytes.size() < 3 || number(bytes, 1) > bytes.size() - 3) return false;
    bytes.remove_prefix(3 + number(bytes, 1));
  }
  return true;
}

ProxyHeader parse_binary(std::string_view bytes) noexcept {
  if (bytes.size() < kFixedPart) return {};
  const auto command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  ProxyHeader header;
  header.size = kFixedPart + number(bytes, 14);
  if ((command != kLocal && command != kProxy) || header.size > kMaxProxyHeader) return malformed();
  if (bytes.size() < header.size) return {};
  header.state = State::kComplete;
  header.is_local = command == kLocal;
  if (header.is_local) return header;
  std::string_view rest = bytes.substr(kFixedPart, header.size - kFixedPart);
  constexpr std::size_t kSize4 = 12;
  constexpr std::size_t kSize6 = 36;
  constexpr std::size_t kSizeUnix = 216;
  if (family == kTcp4 && rest.size() >= kSize4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    read_addresses(rest, header, v4, &sockaddr_in::sin_addr, &sockaddr_in::sin_port);
    rest.remove_prefix(kSize4);
  } else if (family == kTcp6 && rest.size() >= kSize6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    read_addresses(rest, header, v6, &sockaddr_in6::sin6_addr, &sockaddr_in6::sin6_port);
    rest.remove_prefix(kSize6);
  } else if (family == kUnixStream && rest.size() >= kSizeUnix) {
    // On the proxy's machine, so that it is nobody whom rules about this one's could mean.
    rest.remove_prefix(kSizeUnix);
  } else if (family == kTcp4 || family == kTcp6 || family == kUnixStream) {
    return malformed();
  } else {
    return header;  // of a family that is not known nobody can say how long its addresses are
  }
  return are_triples(rest) ? header : malformed();
}

bool may_begin(std::string_view bytes, std::string_view begin) noexcept {
  return bytes.substr(0, begin.size()) == begin.substr(0, bytes.size());
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) noexcept {
  if (bytes.size() >= kBegin1.size() && bytes.starts_with(kBegin1)) return parse_line(bytes);
  if (bytes.size() >= kBegin2.size() && bytes.starts_with(kBegin2)) return parse_binary(bytes);
  return may_begin(bytes, kBegin1) || may_begin(bytes, kBegin2) ? ProxyHeader{} : malformed();
}

}  // namespace httpd::net
