// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/parameters.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <httpd/parameter.h>

#include "http/characters.h"
#include "net/address.h"

namespace httpd::server {
namespace {

constexpr long long kMaxSeconds = 2'147'483'647;
constexpr long long kMaxBytes = 1LL << 30U;
constexpr long long kMaxWorkers = 256;
constexpr long long kMaxQueue = 1'000'000;
constexpr long long kMaxConnections = 1'000'000;
constexpr long long kMaxRequests = 1'000'000;
constexpr long long kMaxDrain = 24LL * 3600;               // seconds
constexpr long long kMaxFailureDelay = 3600;               // seconds
constexpr long long kMaxTicketLifetime = 7LL * 24 * 3600;  // RFC 8446 section 4.6.1

Parameter size(std::string name, long long min, std::size_t& target, long long max = kMaxBytes) {
  return integer_parameter(std::move(name), min, max,
                           [&target](long long value) { target = static_cast<std::size_t>(value); });
}

Parameter seconds(std::string name, long long min, std::chrono::seconds& target,
                  long long max = kMaxSeconds) {
  return integer_parameter(std::move(name), min, max,
                           [&target](long long value) { target = std::chrono::seconds(value); });
}

Parameter file(std::string name, std::function<void(const std::string& path)> set) {
  return string_parameter(std::move(name), [set = std::move(set)](const std::string& path) {
    if (path.empty()) throw ConfigError("names no file");
    set(path);
  });
}

net::TlsVerifyClient verify_client(const std::string& value) {
  if (value == "none") return net::TlsVerifyClient::kNone;
  if (value == "optional") return net::TlsVerifyClient::kOptional;
  if (value == "require") return net::TlsVerifyClient::kRequire;
  throw ConfigError('"' + value + R"(" is not "none", "optional" or "require")");
}

std::vector<Parameter> tls_parameters(Settings& settings) {
  TlsSettings& tls = settings.tls;
  return {
      file("tls_cert_file",
           [&tls](const std::string& path) {
             tls.certificate_files.push_back({path, {}});
           }),
      file("tls_key_file", [&tls](const std::string& path) { tls.key_files.push_back(path); }),
      file("tls_ocsp_file",
           [&tls](const std::string& path) {
             if (tls.certificate_files.empty() || !tls.certificate_files.back().ocsp.empty())
               throw ConfigError('"' + path + "\" follows no tls_cert_file line of its own");
             tls.certificate_files.back().ocsp = path;
           }),
      string_parameter("tls_ciphers", [&tls](const std::string& value) { tls.options.ciphers = value; }),
      file("tls_ca_file", [&tls](const std::string& path) { tls.options.ca_file = path; }),
      string_parameter(
          "tls_verify_client",
          [&tls](const std::string& value) { tls.options.verify_client = verify_client(value); }),
      integer_parameter("tls_key_permissions_check", 0, 1,
                        [&tls](long long value) { tls.options.key_permissions_check = value != 0; }),
      seconds("tls_handshake_timeout", 1, settings.tls_handshake_timeout),
      integer_parameter(
          "tls_ticket_lifetime", 0, kMaxTicketLifetime,
          [&tls](long long value) { tls.options.ticket_lifetime = std::chrono::seconds(value); }),
      file("tls_ticket_key_file", [&tls](const std::string& path) { tls.options.ticket_key_file = path; }),
  };
}

void check_printable(const std::string& value) {
  if (std::ranges::any_of(value, [](char byte) { return !http::is_field_vchar(byte) && byte != ' '; }))
    throw ConfigError("holds a control character");
}

std::vector<Parameter> auth_parameters(Settings& settings) {
  AuthSettings& auth = settings.access.auth;
  return {
      string_parameter("auth_realm",
                       [&auth](const std::string& value) {
                         check_printable(value);
                         auth.realm = value;
                       }),
      string_parameter("auth_username",
                       [&auth](const std::string& value) {
                         check_printable(value);
                         // RFC 7617 section 2: what comes before the first colon is the user name.
                         if (value.find(':') != std::string::npos)
                           throw ConfigError("holds a ':', which no client can send in a user name");
                         auth.username = value;
                         auth.username_given = true;
                       }),
      string_parameter("auth_password",
                       [&auth](const std::string& value) {
                         check_printable(value);
                         auth.password.assign(value.begin(), value.end());
                         auth.password_given = true;
                       }),
      file("auth_file", [&auth](const std::string& path) { auth.file = path; }),
      file("auth_token_file", [&auth](const std::string& path) { auth.token_file = path; }),
      size("max_auth_failures", 0, settings.access.max_auth_failures, kMaxRequests),
      integer_parameter(
          "auth_failure_delay", 1, kMaxFailureDelay,
          [&settings](long long value) { settings.access.auth_failure_delay = std::chrono::seconds(value); }),
  };
}

std::vector<Parameter> access_parameters(Settings& settings) {
  AccessSettings& access = settings.access;
  return {
      string_parameter(
          "access",
          [&access](const std::string& value) { access.rules.push_back(AccessRule::parse(value)); }),
      string_parameter("allowed_hosts",
                       [&access](const std::string& value) { access.allowed_hosts.add(value); }),
      string_parameter("trusted_proxies",
                       [&access](const std::string& value) { access.forwarding.trusted_proxies.add(value); }),
      string_parameter(
          "forwarded_header",
          [&access](const std::string& value) { access.forwarding.field = parse_forwarded_field(value); }),
  };
}

}  // namespace

std::vector<Parameter> httpd_parameters(Settings& settings) {
  http::Limits& limits = settings.limits;
  std::vector<Parameter> parameters{
      string_parameter("ip",
                       [&settings](const std::string& value) {
                         if (value != "*" && !net::Address::parse(value, 0))
                           throw ConfigError(
                               '"' + value +
                               R"(" is neither an IPv4 or IPv6 address nor "*" for all interfaces)");
                         settings.ip = value;
                         settings.address_given = true;
                       }),
      integer_parameter("port", 1, 65535,
                        [&settings](long long value) {
                          settings.port = static_cast<std::uint16_t>(value);
                          settings.address_given = true;
                        }),
      string_parameter(
          "listen",
          [&settings](const std::string& value) { settings.listen.push_back(ListenAddress::parse(value)); }),
      size("buf_size", 0, settings.buf_size),
      seconds("conn_timeout", 0, settings.conn_timeout),
      seconds("header_timeout", 1, settings.header_timeout),
      seconds("body_timeout", 1, settings.body_timeout),
      seconds("send_timeout", 1, settings.send_timeout),
      size("min_body_rate", 0, settings.min_body_rate),
      size("min_send_rate", 0, settings.min_send_rate),
      seconds("handler_timeout", 0, settings.handler_timeout),
      size("max_connections", 0, settings.max_connections, kMaxConnections),
      size("max_client_connections", 0, settings.max_client_connections, kMaxConnections),
      string_parameter("admin_addresses",
                       [&settings](const std::string& value) { settings.admin_addresses.add(value); }),
      size("max_connection_requests", 0, settings.max_connection_requests),
      size("max_pipelined_requests", 1, settings.max_pipelined_requests, kMaxRequests),
      size("max_request_rate", 0, settings.max_request_rate, kMaxRequests),
      size("max_request_burst", 0, settings.max_request_burst, kMaxRequests),
      size("workers", 0, settings.workers, kMaxWorkers),
      size("max_queue", 0, settings.max_queue, kMaxQueue),
      size("max_root_workers", 0, settings.max_root_workers, kMaxWorkers),
      string_parameter("health_root",
                       [&settings](const std::string& value) { settings.health_root = value; }),
      seconds("stuck_timeout", 1, settings.stuck_timeout),
      seconds("drain_delay", 0, settings.drain_delay, kMaxDrain),
      seconds("drain_timeout", 0, settings.drain_timeout, kMaxDrain),
      seconds("upgrade_timeout", 0, settings.upgrade_timeout, kMaxDrain),
      size("post_buf_size", 256, limits.post_buf_size),
      size("receive_buf_size", 1, limits.receive_buf_size),
      size("max_form_size", 256, limits.max_form_size),
      size("max_uri_size", 64, limits.max_uri_size, 1 << 20),
      size("max_header_size", 256, limits.max_header_size, 1 << 20),
      size("max_header_fields", 1, limits.max_header_fields, 10'000),
      size("max_trailer_size", 0, limits.max_trailer_size, 1 << 20),
      size("max_trailer_fields", 0, limits.max_trailer_fields, 10'000),
      size("max_form_fields", 1, limits.max_form_fields, 1'000'000),
      size("max_chunk_extension_size", 0, limits.max_chunk_extension_size, 1 << 20),
  };
  std::ranges::move(auth_parameters(settings), std::back_inserter(parameters));
  std::ranges::move(access_parameters(settings), std::back_inserter(parameters));
  std::ranges::move(compression_parameters(settings.compression), std::back_inserter(parameters));
  std::ranges::move(tls_parameters(settings), std::back_inserter(parameters));
  std::ranges::move(access_log_parameters(settings.access_log), std::back_inserter(parameters));
  return parameters;
}

}  // namespace httpd::server
