// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/parameters.h"

#include <httpd/parameter.h>

#include "net/address.h"

namespace httpd::server {
namespace {

constexpr long long kMaxSeconds = 2'147'483'647;
constexpr long long kMaxBytes = 1LL << 30U;

Parameter size(std::string name, long long min, std::size_t& target, long long max = kMaxBytes) {
  return integer_parameter(std::move(name), min, max,
                           [&target](long long value) { target = static_cast<std::size_t>(value); });
}

Parameter seconds(std::string name, long long min, std::chrono::seconds& target) {
  return integer_parameter(std::move(name), min, kMaxSeconds,
                           [&target](long long value) { target = std::chrono::seconds(value); });
}

Parameter not_yet(std::string name) {
  return string_parameter(std::move(name), [](const std::string& value) {
    throw ConfigError('"' + value +
                      "\" cannot be used: this version of httpd does not speak TLS; remove the line, and put "
                      "a TLS proxy in front");
  });
}

}  // namespace

std::vector<Parameter> httpd_parameters(Settings& settings) {
  http::Limits& limits = settings.limits;
  return {
      string_parameter("ip",
                       [&settings](const std::string& value) {
                         if (value != "*" && !net::Address::parse(value, 0))
                           throw ConfigError(
                               '"' + value +
                               R"(" is neither an IPv4 or IPv6 address nor "*" for all interfaces)");
                         settings.ip = value;
                       }),
      integer_parameter("port", 1, 65535,
                        [&settings](long long value) { settings.port = static_cast<std::uint16_t>(value); }),
      size("buf_size", 0, settings.buf_size),
      seconds("conn_timeout", 0, settings.conn_timeout),
      seconds("header_timeout", 1, settings.header_timeout),
      seconds("body_timeout", 1, settings.body_timeout),
      seconds("send_timeout", 1, settings.send_timeout),
      size("post_buf_size", 256, limits.post_buf_size),
      size("receive_buf_size", 1, limits.receive_buf_size),
      size("max_form_size", 256, limits.max_form_size),
      size("max_uri_size", 64, limits.max_uri_size, 1 << 20),
      size("max_header_size", 256, limits.max_header_size, 1 << 20),
      size("max_header_fields", 1, limits.max_header_fields, 10'000),
      not_yet("tls_cert_file"),
      not_yet("tls_key_file"),
      not_yet("tls_ciphers"),
  };
}

}  // namespace httpd::server
