// Whom a request comes from when a proxy has forwarded it: trusted_proxies and forwarded_header.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "http/parser.h"
#include "http/refusal.h"
#include "net/address.h"
#include "server/access/peers.h"

namespace httpd::server {

/// The field that the proxies write. Whatever a client sends of the other kind goes through most of them as
/// it is, so that it must not be believed.
enum class ForwardedField : std::uint8_t {
  kEither,  ///< whichever a request has; one that has both is refused
  kForwarded,
  kXForwardedFor,
  kNone
};

struct ForwardingSettings {
  Peers trusted_proxies;
  ForwardedField field = ForwardedField::kEither;
};

/// Throws ConfigError for a name that is none of "Forwarded", "X-Forwarded-For", "either" and "none".
[[nodiscard]] ForwardedField parse_forwarded_field(std::string_view name);

/// Sets `client` to who sent the request, as the trusted proxies on its way tell: from `peer`, where it came
/// from, back to the first who is not one of them. AF_UNSPEC when the last of them does not know. Without
/// trusted proxies it is `peer`. Refuses what cannot be read.
[[nodiscard]] http::Refusal find_client(const ForwardingSettings& settings, const http::RequestHead& head,
                                        const net::Address& peer, net::Address& client);

}  // namespace httpd::server
