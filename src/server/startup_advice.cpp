// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/startup_advice.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

namespace httpd::server {

namespace {

template <typename Name>
std::string list(const std::vector<Endpoint>& endpoints, std::size_t longest, Name name) {
  std::string names;
  for (const Endpoint& endpoint : endpoints)
    names += (names.empty() ? "" : ", ") + name(endpoint);
  if (names.size() <= longest) return names;
  return fmt::format("{} and {} more", name(endpoints.front()), endpoints.size() - 1);
}

}  // namespace

std::string urls(const std::vector<Endpoint>& endpoints, std::size_t longest) {
  return list(endpoints, longest, [](const Endpoint& endpoint) { return endpoint.url(); });
}

std::string addresses(const std::vector<Endpoint>& endpoints, std::size_t longest) {
  return list(endpoints, longest, [](const Endpoint& endpoint) { return endpoint.socket.text(); });
}

void advise_on_endpoints(const Settings& settings, const std::vector<Endpoint>& endpoints, Log& log) {
  if (settings.tls.configured() && std::ranges::none_of(endpoints, &Endpoint::tls))
    log.write(LogLevel::kWarning,
              "a TLS certificate is set, but no listener speaks TLS: begin a listen line with https://");
  const bool certified = settings.tls.options.verify_client == net::TlsVerifyClient::kRequire;
  const bool asks = settings.access.auth.configured() &&
                    std::ranges::none_of(settings.access.rules, [](const AccessRule& rule) {
                      return rule.root.empty() && !rule.auth.value_or(true);
                    });
  const bool limited = std::ranges::any_of(settings.access.rules, [](const AccessRule& rule) {
    return rule.root.empty() && rule.allow.has_value();
  });
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.socket.is_loopback() || (endpoint.tls && (certified || asks))) continue;
    if (asks) {
      log.write(
          LogLevel::kWarning,
          fmt::format("{} can be reached from other machines without TLS: passwords and tokens cross the "
                      "network in clear; begin a listen line with https://",
                      endpoint.url()));
      continue;
    }
    if (limited) continue;
    log.write(LogLevel::kWarning,
              fmt::format("{} can be reached from other machines, {}without authentication: whoever reaches "
                          "it can use its root paths; auth_file, auth_username and auth_password keep "
                          "strangers out, access \"allow=...\" keeps it to some networks, and the address "
                          "127.0.0.1 to this machine",
                          endpoint.url(), endpoint.tls ? "" : "without TLS and "));
  }
}

void advise_on_unreadable_files(const Settings& settings, std::string_view user, Log& log) {
  std::vector<std::string> files = files_of(settings.tls);
  std::ranges::move(files_of(settings.access.auth), std::back_inserter(files));
  for (const std::string& file : files)
    if (::access(file.c_str(), R_OK) != 0)
      log.write(LogLevel::kWarning,
                fmt::format("{} cannot be read by {} any more ({}): reloading it will fail; let its "
                            "group be that of the server, and run: chmod g+r '{}'",
                            file, user, std::strerror(errno), file));
}

void announce(const std::vector<Endpoint>& endpoints, const Router& router, Log& log) {
  std::string roots;
  for (const Route& route : router.routes())
    roots += (roots.empty() ? "/" : ", /") + route.root;
  log.write(LogLevel::kNotice,
            fmt::format("listening on {}; root paths: {}", urls(endpoints), roots.empty() ? "none" : roots));
}

}  // namespace httpd::server
