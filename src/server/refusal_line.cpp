// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/refusal_line.h"

#include <fmt/format.h>

#include "http/escape.h"

namespace httpd::server {

std::string refusal_line(http::Refusal refusal, std::string_view client, std::string_view request,
                         std::string_view root, std::string_view detail) {
  const http::RefusalInfo& info = http::describe(refusal);
  std::string line = fmt::format("{}: {} {}", client, info.status, info.reason);
  if (!request.empty()) line += fmt::format("; request \"{}\"", http::escape_for_log(request));
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
