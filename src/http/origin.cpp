// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/origin.h"

#include <algorithm>

#include "http/characters.h"
#include "http/host.h"

namespace httpd::http {
namespace {

constexpr std::string_view kBehindScheme = "://";

/// RFC 3986 section 3.1.
bool is_scheme(std::string_view text) noexcept {
  const auto is_letter = [](char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; };
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [&](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

int default_port(std::string_view scheme) noexcept {
  if (iequals(scheme, "http")) return 80;
  return iequals(scheme, "https") ? 443 : -1;
}

}  // namespace

std::optional<Origin> parse_origin(std::string_view text) noexcept {
  const std::size_t colon = text.find(kBehindScheme);
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return std::nullopt;
  const std::string_view authority = text.substr(colon + kBehindScheme.size());
  const std::optional<HostAndPort> parts = parse_host(authority);
  if (!parts || authority.ends_with(':')) return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  return Origin{scheme, parts->host, parts->port < 0 ? default_port(scheme) : parts->port};
}

bool same_origin(const Origin& one, const Origin& other) noexcept {
  return iequals(one.scheme, other.scheme) && iequals(one.host, other.host) && one.port == other.port;
}

bool is_origin_of(const Origin& origin, std::string_view authority, bool tls) noexcept {
  const bool is_https = iequals(origin.scheme, "https");
  if (!is_https && (tls || !iequals(origin.scheme, "http"))) return false;
  const std::optional<HostAndPort> own = parse_host(authority);
  if (!own || !iequals(own->host, origin.host)) return false;
  return origin.port == (own->port < 0 ? default_port(origin.scheme) : own->port);
}

}  // namespace httpd::http
