// The origin of a page in a browser (RFC 6454), as the Origin field has it (Fetch standard section 3.2).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>

namespace httpd::http {

/// scheme "://" host [ ":" port ]. Views into the text that was parsed.
struct Origin {
  std::string_view scheme;
  std::string_view host;  ///< an IP literal with its brackets
  int port = -1;          ///< the scheme's own where none is written; -1 for a scheme that has none
};

/// Nothing for anything else, "null" (a page that tells nobody where it comes from) included.
[[nodiscard]] std::optional<Origin> parse_origin(std::string_view text) noexcept;

/// The same scheme, host (in any case) and port.
[[nodiscard]] bool same_origin(const Origin& one, const Origin& other) noexcept;

/// True when a page of `origin` was served under `authority`, the Host of a request, so that the request
/// comes from a page of the very server that it goes to. Over TLS (`tls`) only https pages are; without it
/// those of both schemes, since a proxy may have taken TLS off.
[[nodiscard]] bool is_origin_of(const Origin& origin, std::string_view authority, bool tls) noexcept;

}  // namespace httpd::http
