// What is said in the log when a server starts: where it listens, and what its administrator should know.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/log.h>

#include "server/endpoints.h"
#include "server/router.h"
#include "server/settings.h"

namespace httpd::server {

/// The URLs of all `endpoints`, joined by ", "; where that has more than `longest` bytes, the first and the
/// number of the others.
[[nodiscard]] std::string urls(const std::vector<Endpoint>& endpoints,
                               std::size_t longest = std::string::npos);
/// Likewise their addresses: "127.0.0.1:8888".
[[nodiscard]] std::string addresses(const std::vector<Endpoint>& endpoints, std::size_t longest);

/// Warns of endpoints that strangers can reach, and of a certificate that no endpoint uses.
void advise_on_endpoints(const Settings& settings, const std::vector<Endpoint>& endpoints, Log& log);

/// Warns of TLS files that could be read at the start, but no more now that the process runs as `user` (a
/// text for the log): reloading them would fail.
void advise_on_unreadable_files(const Settings& settings, std::string_view user, Log& log);

/// Says that the server is ready.
void announce(const std::vector<Endpoint>& endpoints, const Router& router, Log& log);

}  // namespace httpd::server
