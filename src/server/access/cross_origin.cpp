// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/cross_origin.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "http/characters.h"
#include "http/find_field.h"
#include "http/origin.h"

namespace httpd::server {
namespace {

/// How long browsers may take an answer to a preflight for good.
constexpr int kPreflightSeconds = 600;

bool is_safe(const http::RequestHead& head) noexcept {
  return head.method == Method::kGet || head.method == Method::kHead || head.method == Method::kOptions ||
         head.method == Method::kTrace;
}

/// The origin of the page; nothing where there is none, "null" where there are several.
std::optional<std::string_view> origin_of(const http::RequestHead& head) noexcept {
  std::optional<std::string_view> origin;
  for (const http::FieldLine& line : head.fields) {
    if (line.id != http::FieldId::kOrigin) continue;
    if (origin) return "null";
    origin = line.value;
  }
  return origin;
}

/// The request header fields that a page asks for, if they are a list of tokens.
std::optional<std::string_view> asked_fields(const http::RequestHead& head) noexcept {
  const std::optional<std::string_view> list =
      http::find_field(head.fields, "Access-Control-Request-Headers");
  const bool good = list && std::ranges::all_of(*list, [](char c) {
                      return http::is_tchar(c) || c == ',' || http::is_blank(c);
                    });
  return good ? list : std::nullopt;
}

}  // namespace

bool is_preflight(const http::RequestHead& head) noexcept {
  return head.method == Method::kOptions && origin_of(head) &&
         http::find_field(head.fields, "Access-Control-Request-Method");
}

bool is_allowed_preflight(const http::RequestHead& head, const Origins& origins) noexcept {
  return !origins.empty() && is_preflight(head) && head.framing.body == http::Framing::Body::kNone &&
         origins.contains(*origin_of(head));
}

http::Refusal judge_origin(const http::RequestHead& head, std::string_view authority, bool tls,
                           const Policy& policy) noexcept {
  const bool harmless = is_safe(head) && policy.cross_site && !is_preflight(head);
  if (harmless) return http::Refusal::kNone;
  if (const std::optional<std::string_view> text = origin_of(head)) {
    const std::optional<http::Origin> origin = http::parse_origin(*text);
    if (origin && http::is_origin_of(*origin, authority, tls)) return http::Refusal::kNone;
    return policy.cors_origins.contains(*text) ? http::Refusal::kNone : http::Refusal::kForeignOrigin;
  }
  const std::optional<std::string_view> site = http::find_field(head.fields, "Sec-Fetch-Site");
  const bool own = !site || *site == "same-origin" || *site == "none";
  return own ? http::Refusal::kNone : http::Refusal::kForeignOrigin;
}

std::string cross_origin_fields(const http::RequestHead& head, const Route* route, const Origins& origins) {
  std::string fields;
  if (origins.empty()) return fields;
  if (!origins.any()) fields = "Vary: Origin\r\n";
  const std::optional<std::string_view> origin = origin_of(head);
  if (!origin || !origins.contains(*origin)) return fields;
  // With "*" no browser sends credentials of its own accord.
  fields += origins.any() ? "Access-Control-Allow-Origin: *\r\n"
                          : fmt::format(
                                "Access-Control-Allow-Origin: {}\r\n"
                                "Access-Control-Allow-Credentials: true\r\n",
                                *origin);
  if (!is_preflight(head)) return fields;
  if (route != nullptr) fields += fmt::format("Access-Control-Allow-Methods: {}\r\n", route->allow());
  if (const std::optional<std::string_view> asked = asked_fields(head))
    fields += fmt::format("Access-Control-Allow-Headers: {}\r\n", *asked);
  if (http::find_field(head.fields, "Access-Control-Request-Private-Network") == "true")
    fields += "Access-Control-Allow-Private-Network: true\r\n";
  return fields + fmt::format("Access-Control-Max-Age: {}\r\n", kPreflightSeconds);
}

}  // namespace httpd::server
