// Parsing of request targets and decoding of paths.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/target.h"

#include <algorithm>
#include <cstddef>

#include <httpd/utf8.h>

#include "http/characters.h"
#include "http/percent.h"

namespace httpd::http {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// Splits path [ "?" query ] into `target`; false for a character that does not belong there.
bool parse_path_and_query(std::string_view text, Target& target) noexcept {
  const std::size_t mark = text.find('?');
  target.path = text.substr(0, mark);
  target.has_query = mark != kNone;
  if (target.has_query) target.query = text.substr(mark + 1);
  return is_escaped_text(target.path, CharClass::kPath) && is_escaped_text(target.query, CharClass::kQuery);
}

std::optional<Target> parse_authority_form(std::string_view text) noexcept {
  const std::optional<HostAndPort> host = parse_host(text);
  if (!host || host->port <= 0) return std::nullopt;  // RFC 9110 section 9.3.6: the port is required
  Target target;
  target.form = Target::Form::kAuthority;
  target.authority = text;
  return target;
}

std::optional<Target> parse_absolute_form(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  const std::string_view scheme = text.substr(0, colon);
  if (!iequals(scheme, "http") && !iequals(scheme, "https")) return std::nullopt;
  text.remove_prefix(scheme.size());
  if (text.substr(0, 3) != "://") return std::nullopt;
  text.remove_prefix(3);

  Target target;
  target.form = Target::Form::kAbsolute;
  target.is_https = iequals(scheme, "https");
  const std::size_t end = text.find_first_of("/?");
  target.authority = text.substr(0, end);
  // The rule for Host, whose place it takes: a comma may be the mark of two that somebody has joined.
  if (!is_valid_host(target.authority) || target.authority.find(',') != kNone) return std::nullopt;
  if (end != kNone && !parse_path_and_query(text.substr(end), target)) return std::nullopt;
  if (target.path.empty()) target.path = "/";  // RFC 9110 section 4.2.3
  return target;
}

bool is_unambiguous_segment(std::string_view segment) noexcept {
  if (segment == "." || segment == ".." || segment.find_first_of("/\\") != kNone) return false;
  while (!segment.empty()) {
    const std::size_t length = utf8_length(segment);
    if (length == 0 || is_utf8_control(segment.substr(0, length))) return false;
    segment.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::optional<Target> parse_target(Method method, std::string_view text) noexcept {
  if (method == Method::kConnect) return parse_authority_form(text);
  if (text.empty()) return std::nullopt;
  if (text.front() == '/') {
    Target target;
    if (!parse_path_and_query(text, target)) return std::nullopt;
    return target;
  }
  if (text == "*") {
    if (method != Method::kOptions) return std::nullopt;
    Target target;
    target.form = Target::Form::kAsterisk;
    return target;
  }
  return parse_absolute_form(text);
}

bool decode_path(std::string_view raw_path, std::string& out) {
  out.clear();
  // As nearly all paths are: nothing to decode, and no segment that could mean another one.
  if (std::ranges::all_of(raw_path, [](char c) { return c != '.' && in_class(c, CharClass::kPath); })) {
    out.append(raw_path);
    return true;
  }
  while (true) {
    const std::size_t slash = raw_path.find('/');
    const std::size_t start = out.size();
    if (!percent_decode(raw_path.substr(0, slash), out, false) ||
        !is_unambiguous_segment(std::string_view(out).substr(start))) {
      out.clear();
      return false;
    }
    if (slash == kNone) return true;
    out += '/';
    raw_path.remove_prefix(slash + 1);
  }
}

}  // namespace httpd::http
