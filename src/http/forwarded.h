// What proxies say of those who they forward for: Forwarded (RFC 7239) and X-Forwarded-For.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::http {

/// Who a proxy got a request from (RFC 7239 section 6).
struct ForwardedNode {
  std::string ip;  ///< a literal without brackets, not looked at more closely; "" where it is not told
  std::uint16_t port = 0;  ///< 0 where it is not told
};

/// Appends the nodes that one Forwarded field's value names with "for", in their order: the client first. An
/// element without one is a node without an address. False when the value is malformed (RFC 7239 section 4).
[[nodiscard]] bool parse_forwarded(std::string_view value, std::vector<ForwardedNode>& nodes);

/// The same for X-Forwarded-For, a list of addresses that no RFC defines: each with a port or without, IPv6
/// with brackets or without.
[[nodiscard]] bool parse_x_forwarded_for(std::string_view value, std::vector<ForwardedNode>& nodes);

}  // namespace httpd::http
