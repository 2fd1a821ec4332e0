// The grammar of uri-host and port.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/host.h"

#include <algorithm>
#include <cstddef>

#include "http/characters.h"
#include "http/percent.h"

namespace httpd::http {
namespace {

/// dec-octet: 0-255 with no leading zero.
bool is_dec_octet(std::string_view text) noexcept {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return false;
  int value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + (c - '0');
  }
  return value <= 255;
}

bool is_ipv4_address(std::string_view text) noexcept {
  for (int dots = 0; dots < 3; ++dots) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || !is_dec_octet(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_dec_octet(text);
}

/// The number of 16-bit groups in `text`, 1 to 4 hexadecimal digits each, joined by ':'; 0 for "", -1 when it
/// is anything else. An IPv4 address may take the place of the last two groups when `ipv4_at_end`.
int count_groups(std::string_view text, bool ipv4_at_end) noexcept {
  constexpr int kMaxGroups = 8;
  if (text.empty()) return 0;
  int groups = 0;
  while (groups < kMaxGroups) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && ipv4_at_end && is_ipv4_address(group)) return groups + 2;
    if (group.empty() || group.size() > 4 ||
        !std::all_of(group.begin(), group.end(), [](char c) { return in_class(c, CharClass::kHex); })) {
      return -1;
    }
    ++groups;
    if (colon == std::string_view::npos) return groups;
    text.remove_prefix(colon + 1);
  }
  return -1;
}

bool is_ipv6_address(std::string_view text) noexcept {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text, true) == 8;
  const int before = count_groups(text.substr(0, gap), false);
  const int after = count_groups(text.substr(gap + 2), true);
  return before >= 0 && after >= 0 && before + after <= 7;
}

/// "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
bool is_ip_future(std::string_view text) noexcept {
  if (text.empty() || to_lower(text.front()) != 'v') return false;
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 1 || dot + 1 == text.size()) return false;
  const std::string_view version = text.substr(1, dot - 1);
  const std::string_view address = text.substr(dot + 1);
  return std::all_of(version.begin(), version.end(), [](char c) { return in_class(c, CharClass::kHex); }) &&
         std::all_of(address.begin(), address.end(),
                     [](char c) { return c == ':' || in_class(c, CharClass::kHost); });
}

/// The length of the host that `text` begins with, or 0 when it begins with none.
std::size_t host_length(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return 0;
    const std::string_view literal = text.substr(1, close - 1);
    return is_ipv6_address(literal) || is_ip_future(literal) ? close + 1 : 0;
  }
  const std::string_view name = text.substr(0, text.find(':'));
  return is_escaped_text(name, CharClass::kHost) ? name.size() : 0;
}

}  // namespace

std::optional<HostAndPort> parse_host(std::string_view text) noexcept {
  const std::size_t length = host_length(text);
  if (length == 0) return std::nullopt;
  HostAndPort result{text.substr(0, length), -1};
  text.remove_prefix(length);
  if (text.empty()) return result;
  if (text.front() != ':') return std::nullopt;
  text.remove_prefix(1);
  if (text.empty()) return result;
  result.port = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    result.port = result.port * 10 + (c - '0');
    if (result.port > 65535) return std::nullopt;
  }
  return result;
}

bool is_valid_host(std::string_view text) noexcept {
  return parse_host(text).has_value();
}

}  // namespace httpd::http
