// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/error_body.h"

#include "http/escape.h"

namespace httpd::http {

std::string error_body(int status, std::string_view reason, bool as_json) {
  if (!as_json) return std::string(reason) + '\n';
  return R"({"error":{"status":)" + std::to_string(status) + R"(,"message":")" + escape_json(reason) +
         "\"}}\n";
}

}  // namespace httpd::http
