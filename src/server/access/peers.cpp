// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/peers.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include <httpd/module.h>

#include "http/escape.h"
#include "server/access/list.h"

namespace httpd::server {

void Peers::add(std::string_view list) {
  for_each_part(list, ',', [this](std::string_view one) {
    if (one == "unix") {
      unix_ = true;
    } else if (const std::optional<net::Network> network = net::Network::parse(one)) {
      networks_.push_back(*network);
    } else {
      throw ConfigError(fmt::format(
          R"("{}" is neither an address nor a network such as "10.0.0.0/8" or "2001:db8::/32", nor "unix")",
          http::escape_for_log(one)));
    }
  });
}

bool Peers::contains(const net::Address& address) const noexcept {
  if (address.family() == AF_UNIX) return unix_;
  return std::ranges::any_of(networks_,
                             [&address](const net::Network& network) { return network.contains(address); });
}

}  // namespace httpd::server
