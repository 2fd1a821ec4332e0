// The request target (RFC 9112 section 3.2, RFC 3986) and the path in it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <httpd/method.h>

#include "http/host.h"  // is_valid_host(), for the Host field beside the target

namespace httpd::http {

/// A request target in its parts. The views point into the text that was parsed, but for the path "/" of an
/// absolute target that has none, which is static.
struct Target {
  enum class Form : std::uint8_t { kOrigin, kAbsolute, kAuthority, kAsterisk };
  Form form = Form::kOrigin;
  std::string_view authority;  ///< host and port of kAbsolute and kAuthority
  std::string_view path;       ///< still encoded, begins with '/'; "" for kAuthority and kAsterisk
  std::string_view query;      ///< still encoded, without its '?'
  bool has_query = false;      ///< there is a '?', though perhaps nothing after it
  bool is_https = false;       ///< kAbsolute, with this scheme
};

/// Parses `text`, the target of a request with `method`. Nothing for a target that RFC 9112 section 3.2 does
/// not allow with that method, and for any character that RFC 3986 does not allow in its place, with one
/// exception: '[' and ']' may stand unescaped in a query, where browsers and Prometheus's match[] put them.
/// An absolute target is one of http or https, its host is not empty, and it has no user information.
[[nodiscard]] std::optional<Target> parse_target(Method method, std::string_view text) noexcept;

/// Sets `out` to the percent-decoded path (its capacity is used again). False, with `out` empty, for every
/// path that two readers could understand differently: a malformed escape, an encoded '/' or '\', a literal
/// '\', a segment "." or ".." (encoded or not), a control character (U+0000-001F, U+007F-009F), and anything
/// that is not well-formed UTF-8. Empty segments are kept. `raw_path` must not be a part of `out`.
[[nodiscard]] bool decode_path(std::string_view raw_path, std::string& out);

}  // namespace httpd::http
