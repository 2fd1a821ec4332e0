// The PROXY protocol, versions 1 and 2: how a proxy tells, before all else on a connection, who it got the
// connection from (HAProxy's doc/proxy-protocol.txt). SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "net/address.h"

namespace httpd::net {

/// The longest header that is read: the fixed part of version 2, and what proxies add in practice.
inline constexpr std::size_t kMaxProxyHeader = 2048;

/// What a connection begins with.
struct ProxyHeader {
  enum class State : char {
    kMore,       ///< what came so far may become a header
    kComplete,   ///< the rest is good
    kMalformed,  ///< no header, or a broken one
  };
  State state = State::kMore;
  std::size_t size = 0;  ///< bytes of the header, once it is complete
  /// The proxy speaks for itself (version 2, LOCAL: it asks whether the server is there).
  bool is_local = false;
  /// Of whom the proxy got the connection, and where; AF_UNSPEC where it does not know or cannot say.
  Address client;
  Address server;
};

/// Looks at the first bytes of a connection: all that came so far.
[[nodiscard]] ProxyHeader parse_proxy_header(std::string_view bytes) noexcept;

}  // namespace httpd::net
