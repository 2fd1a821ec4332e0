// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/forwarding.h"

#include <fmt/format.h>
#include <vector>

#include <httpd/module.h>

#include "http/characters.h"
#include "http/escape.h"
#include "http/find_field.h"
#include "http/forwarded.h"

namespace httpd::server {
namespace {

constexpr std::string_view kForwardedName = "Forwarded";
constexpr std::string_view kXForwardedForName = "X-Forwarded-For";

/// A literal that is no address is one that nobody knows.
net::Address address_of(const http::ForwardedNode& node) {
  if (node.ip.empty()) return {};
  const auto address = net::Address::parse(node.ip, node.port);
  return address ? net::Address(address->get(), address->size()) : net::Address();
}

}  // namespace

ForwardedField parse_forwarded_field(std::string_view name) {
  if (http::iequals(name, kForwardedName)) return ForwardedField::kForwarded;
  if (http::iequals(name, kXForwardedForName)) return ForwardedField::kXForwardedFor;
  if (name == "either") return ForwardedField::kEither;
  if (name == "none") return ForwardedField::kNone;
  throw ConfigError(fmt::format(R"("{}" is not "Forwarded", "X-Forwarded-For", "either" or "none")",
                                http::escape_for_log(name)));
}

http::Refusal find_client(const ForwardingSettings& settings, const http::RequestHead& head,
                          const net::Address& peer, net::Address& client) {
  client = peer;
  if (settings.field == ForwardedField::kNone || settings.trusted_proxies.empty() ||
      !settings.trusted_proxies.contains(peer))
    return http::Refusal::kNone;
  ForwardedField field = settings.field;
  if (field == ForwardedField::kEither) {
    const bool has_x = http::find_field(head.fields, kXForwardedForName).has_value();
    // One of the two is the proxy's, and one the client's, and nobody knows which.
    if (has_x && http::find_field(head.fields, kForwardedName)) return http::Refusal::kTwoForwarded;
    field = has_x ? ForwardedField::kXForwardedFor : ForwardedField::kForwarded;
  }
  const bool is_x = field == ForwardedField::kXForwardedFor;
  std::vector<http::ForwardedNode> nodes;
  for (const http::FieldLine& line : head.fields) {
    if (!http::iequals(line.name, is_x ? kXForwardedForName : kForwardedName)) continue;
    if (!(is_x ? http::parse_x_forwarded_for(line.value, nodes) : http::parse_forwarded(line.value, nodes)))
      return http::Refusal::kMalformedForwarded;
  }
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    client = address_of(*node);
    if (!settings.trusted_proxies.contains(client)) break;
  }
  return http::Refusal::kNone;
}

}  // namespace httpd::server
