// Fuzz target: Forwarded, X-Forwarded-For, Origin and Authorization. The input is one field's value.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/credentials.h"
#include "http/forwarded.h"
#include "http/origin.h"
#include "require.h"

namespace {

using httpd::fuzz::require;
using httpd::http::ForwardedNode;
using Parse = bool (*)(std::string_view, std::vector<ForwardedNode>&);

/// What a proxy appends to what came is the last node, or all of it is refused.
void check_list(Parse parse, std::string_view value) {
  std::vector<ForwardedNode> nodes;
  const bool good = parse(value, nodes);
  for (const ForwardedNode& node : nodes)
    require(node.ip.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos);
  const bool is_x = parse == httpd::http::parse_x_forwarded_for;
  const std::string appended = std::string(value) + (is_x ? ", 192.0.2.1" : ", for=192.0.2.1");
  std::vector<ForwardedNode> more;
  if (!parse(appended, more)) return;
  require(good && more.size() == nodes.size() + 1 && more.back().ip == "192.0.2.1");
}

void check_origin(std::string_view value) {
  const auto origin = httpd::http::parse_origin(value);
  if (!origin) return;
  require(httpd::http::same_origin(*origin, *origin));
  const std::string authority =
      std::string(origin->host) + (origin->port < 0 ? "" : ":" + std::to_string(origin->port));
  // A page is of the server that it was served by, and of no other.
  const bool is_web = origin->scheme.size() >= 4 && origin->port >= 0;
  if (httpd::http::is_origin_of(*origin, authority, false)) require(is_web);
  require(!httpd::http::is_origin_of(*origin, "other." + authority, false));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  check_list(httpd::http::parse_forwarded, value);
  check_list(httpd::http::parse_x_forwarded_for, value);
  check_origin(value);
  std::string decoded;
  if (const auto basic = httpd::http::parse_basic_credentials(value, decoded))
    require(basic->user.find(':') == std::string_view::npos &&
            basic->user.size() + 1 + basic->password.size() == decoded.size());
  if (const auto token = httpd::http::parse_bearer_token(value))
    require(httpd::http::is_bearer_token(*token));
  return 0;
}
