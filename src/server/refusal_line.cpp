// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/refusal_line.h"

#include <fmt/format.h>

#include "http/escape.h"

namespace httpd::server {

namespace {

/// Whether a TLS handshake stands where a request line belongs: a record with a ClientHello (RFC 8446
/// sections 5.1 and 4). Its bytes say nothing to whoever reads the log, and the remedy is another one than
/// for any other malformed line. A byte of its length may look like the end of the line.
bool is_tls_handshake(http::Refusal refusal, std::string_view request) {
  constexpr std::size_t kMessageType = 5;
  return refusal == http::Refusal::kMalformedRequestLine && request.starts_with("\x16\x03") &&
         (request.size() <= kMessageType || request[kMessageType] == 1);
}

}  // namespace

std::string refusal_line(http::Refusal refusal, std::string_view client, std::string_view request,
                         std::string_view root, std::string_view detail) {
  const http::RefusalInfo& info = http::describe(refusal);
  std::string line = fmt::format("{}: {} {}", client, info.status, info.reason);
  if (is_tls_handshake(refusal, request))
    line +=
        "; it is a TLS handshake, and this listener speaks plain HTTP: begin its listen line with https://, "
        "or the client's URL with http://";
  else if (!request.empty())
    line += fmt::format("; request \"{}\"", http::escape_for_log(request));
  if (!root.empty()) line += fmt::format(" to root {}", root);
  if (!detail.empty()) line += fmt::format("; {}", detail);
  if (info.status == 401) {
    line += "; parameters auth_username, auth_file and auth_token_file of module httpd say who may";
  } else if (info.parameter.empty()) {
    return line;
  } else if (info.status == 403 || info.status == 421) {
    line += fmt::format("; parameter {} of module httpd says who may", info.parameter);
  } else if (info.status == 400) {
    line += fmt::format("; parameter {} of module httpd says what is read", info.parameter);
  } else {
    line += fmt::format("; parameter {} of module httpd moves this limit", info.parameter);
  }
  return line;
}

}  // namespace httpd::server
