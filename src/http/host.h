// The host and port of a Host field or of an absolute target (RFC 3986 sections 3.2.2 and 3.2.3).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>

namespace httpd::http {

/// uri-host [ ":" port ], as RFC 9110 section 7.2 has it.
struct HostAndPort {
  std::string_view host;  ///< a view into the argument; an IP literal with its brackets
  int port = -1;          ///< 0-65535; -1 when there is none, or nothing after the ':'
};

/// Splits and checks `text`: a host that is not empty (reg-name, IPv4 address, IPv6 address or IPvFuture in
/// brackets), and a port of digits alone, at most 65535. User information and zone identifiers are refused.
[[nodiscard]] std::optional<HostAndPort> parse_host(std::string_view text) noexcept;

/// True for what a Host field may hold; an empty value, which RFC 9112 section 3.2 allows only to a target
/// without a host, is not.
[[nodiscard]] bool is_valid_host(std::string_view text) noexcept;

}  // namespace httpd::http
