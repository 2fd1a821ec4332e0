// Parsing and comparing of media types.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/media_type.h"

#include <algorithm>
#include <cstddef>

#include "http/characters.h"
#include "http/parameters.h"

namespace httpd::http {
namespace {

bool parse_essence(std::string_view text, std::string& out) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  if (!is_token(text.substr(0, slash)) || !is_token(text.substr(slash + 1))) return false;
  out.assign(text);
  std::ranges::transform(out, out.begin(), to_lower);
  return true;
}

/// Goes over all parameters, so that each is checked, and keeps the boundary of a multipart type.
bool parse_parameters(std::string_view text, MediaType& out) {
  const bool is_multipart = out.essence.starts_with("multipart/");
  ParameterScanner scanner(text);
  while (true) {
    const ParameterScanner::Step step = scanner.next();
    if (step != ParameterScanner::Step::kParameter) return step == ParameterScanner::Step::kEnd;
    if (!is_multipart || !iequals(scanner.name(), "boundary")) continue;
    if (!out.boundary.empty()) return false;
    scanner.copy_value(out.boundary);
    if (!is_valid_boundary(out.boundary)) return false;
  }
}

}  // namespace

bool parse_media_type(std::string_view value, MediaType& out) {
  out.essence.clear();
  out.boundary.clear();
  out.malformed = false;
  value = trim_ows(value);
  if (value.empty()) return true;
  const std::size_t end = std::min(value.find(';'), value.size());
  if (parse_essence(trim_ows(value.substr(0, end)), out.essence) &&
      parse_parameters(value.substr(end), out)) {
    return true;
  }
  out.essence.clear();
  out.boundary.clear();
  out.malformed = true;
  return false;
}

bool is_valid_boundary(std::string_view boundary) noexcept {
  constexpr std::size_t kMaxSize = 70;
  if (boundary.empty() || boundary.size() > kMaxSize || boundary.back() == ' ') return false;
  return std::all_of(boundary.begin(), boundary.end(),
                     [](char c) { return c == ' ' || in_class(c, CharClass::kBoundary); });
}

bool is_json(std::string_view essence) noexcept {
  return essence == "application/json" || essence == "application/json-rpc" ||
         essence == "application/jsonrequest" || essence.ends_with("+json");
}

bool is_xml(std::string_view essence) noexcept {
  return essence == "text/xml" || essence == "application/xml" || essence.ends_with("+xml");
}

bool is_text(std::string_view essence) noexcept {
  return essence.starts_with("text/");
}

bool is_urlencoded_form(std::string_view essence) noexcept {
  return essence == "application/x-www-form-urlencoded";
}

bool is_multipart_form(std::string_view essence) noexcept {
  return essence == "multipart/form-data";
}

}  // namespace httpd::http
