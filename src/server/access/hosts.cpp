// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/hosts.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include <httpd/module.h>

#include "http/characters.h"
#include "http/escape.h"
#include "http/host.h"
#include "server/access/list.h"

namespace httpd::server {

void Hosts::add(std::string_view list) {
  for_each_part(list, ',', [this](std::string_view text) {
    const bool is_wildcard = text.starts_with("*.");
    const std::optional<http::HostAndPort> parts = http::parse_host(is_wildcard ? text.substr(2) : text);
    if (!parts || text.ends_with(':') || parts->host.find('*') != std::string_view::npos)
      throw ConfigError(
          fmt::format(R"("{}" is no host such as "mi.example", "*.example", "10.0.0.1:8888" or "[::1]")",
                      http::escape_for_log(text)));
    const std::string_view name = parts->host.size() > 1 && parts->host.ends_with('.')
                                      ? parts->host.substr(0, parts->host.size() - 1)
                                      : parts->host;
    hosts_.push_back({(is_wildcard ? "." : "") + std::string(name), parts->port, is_wildcard});
  });
}

bool Hosts::contain(std::string_view authority) const noexcept {
  std::optional<http::HostAndPort> asked = http::parse_host(authority);
  if (!asked) return false;
  // The root of the DNS may be written out.
  if (asked->host.size() > 1 && asked->host.ends_with('.')) asked->host.remove_suffix(1);
  return std::ranges::any_of(hosts_, [&asked](const Host& host) {
    // Browsers leave the port of the scheme out; whether TLS was taken off on the way nobody knows.
    const bool is_default = asked->port < 0 && (host.port == 80 || host.port == 443);
    if (host.port >= 0 && host.port != asked->port && !is_default) return false;
    std::string_view name = asked->host;
    if (host.is_wildcard && name.size() > host.name.size())
      name.remove_prefix(name.size() - host.name.size());
    else if (host.is_wildcard)
      return false;
    return http::iequals(name, host.name);
  });
}

}  // namespace httpd::server
