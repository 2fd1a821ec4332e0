// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/refusal_line.h"

#include <fmt/format.h>

#include "http/escape.h"

namespace httpd::server {

std::string refusal_line(http::Refusal refusal, std::string_view client, std::string_view request,
                         std::string_view root) {
  const http::RefusalInfo& info = http::describe(refusal);
  std::string line = fmt::format("{}: {} {}", client, info.status, info.reason);
  if (!request.empty()) line += fmt::format("; request \"{}\"", http::escape_for_log(request));
  if (!root.empty()) line += fmt::format(" to root {}", root);
  if (info.status == 401) {
    line += "; parameters auth_username and auth_password of module httpd say who may";
  } else if (!info.parameter.empty()) {
    line += fmt::format("; parameter {} of module httpd moves this limit", info.parameter);
  }
  return line;
}

}  // namespace httpd::server
