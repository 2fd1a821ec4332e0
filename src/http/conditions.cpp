// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/conditions.h"

#include <algorithm>

#include "http/characters.h"
#include "http/date.h"

namespace httpd::http {
namespace {

constexpr bool is_weak(std::string_view tag) noexcept {
  return tag.starts_with("W/");
}

constexpr std::string_view opaque(std::string_view tag) noexcept {
  return is_weak(tag) ? tag.substr(2) : tag;
}

/// RFC 9110 section 8.8.3.2.
constexpr bool equal_weakly(std::string_view a, std::string_view b) noexcept {
  return opaque(a) == opaque(b);
}

constexpr bool equal_strongly(std::string_view a, std::string_view b) noexcept {
  return a == b && !is_weak(a);
}

/// The length of the entity tag that `text` begins with, or 0 (RFC 9110 section 8.8.3).
std::size_t entity_tag_length(std::string_view text) noexcept {
  const std::size_t begin = is_weak(text) ? 2 : 0;
  if (text.substr(begin, 1) != "\"") return 0;
  const std::size_t end = text.find('"', begin + 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

/// Whether one of the tags in a list equals `tag`. What is no list is read up to the fault.
template <typename Equal>
bool list_has(std::string_view list, std::string_view tag, Equal equal) noexcept {
  for (;;) {
    while (!list.empty() && (is_blank(list.front()) || list.front() == ','))
      list.remove_prefix(1);
    const std::size_t length = entity_tag_length(list);
    if (length == 0) return false;
    if (equal(list.substr(0, length), tag)) return true;
    list = trim_ows(list.substr(length));
    if (!list.empty() && list.front() != ',') return false;
  }
}

/// Whether If-Match or If-None-Match names this version, or any.
template <typename Equal>
bool names(std::span<const FieldLine> fields, std::string_view name, std::string_view tag,
           Equal equal) noexcept {
  return std::ranges::any_of(fields, [&](const FieldLine& line) {
    return iequals(line.name, name) &&
           (line.value == "*" || (!tag.empty() && list_has(line.value, tag, equal)));
  });
}

bool has(std::span<const FieldLine> fields, std::string_view name) noexcept {
  return std::ranges::any_of(fields, [name](const FieldLine& line) { return iequals(line.name, name); });
}

std::optional<std::time_t> date_in(std::span<const FieldLine> fields, std::string_view name,
                                   std::time_t now) noexcept {
  const std::optional<std::string_view> value = single_field(fields, name);
  return value ? parse_http_date(*value, now) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> single_field(std::span<const FieldLine> fields,
                                             std::string_view name) noexcept {
  std::optional<std::string_view> found;
  for (const FieldLine& line : fields) {
    if (!iequals(line.name, name)) continue;
    if (found) return std::nullopt;
    found = line.value;
  }
  return found;
}

Condition evaluate_conditions(std::span<const FieldLine> fields, bool is_get,
                              const Validators& validators) noexcept {
  const std::optional<std::time_t>& modified = validators.last_modified;
  if (has(fields, "If-Match")) {
    if (!names(fields, "If-Match", validators.entity_tag, equal_strongly))
      return Condition::kPreconditionFailed;
  } else if (const auto date = date_in(fields, "If-Unmodified-Since", validators.now);
             date && modified && *modified > *date) {
    return Condition::kPreconditionFailed;
  }
  if (has(fields, "If-None-Match")) {
    if (names(fields, "If-None-Match", validators.entity_tag, equal_weakly))
      return is_get ? Condition::kNotModified : Condition::kPreconditionFailed;
  } else if (is_get) {
    const auto date = date_in(fields, "If-Modified-Since", validators.now);
    if (date && modified && *modified <= *date) return Condition::kNotModified;
  }
  return Condition::kHolds;
}

bool is_named_weakly_alone(std::span<const FieldLine> fields, std::string_view tag) noexcept {
  return has(fields, "If-None-Match") && !names(fields, "If-None-Match", tag, equal_strongly) &&
         names(fields, "If-None-Match", tag, equal_weakly);
}

bool if_range_holds(std::span<const FieldLine> fields, const Validators& validators) noexcept {
  if (!has(fields, "If-Range")) return true;
  const std::string_view value = single_field(fields, "If-Range").value_or("");
  if (entity_tag_length(value) == value.size() && !value.empty())
    return equal_strongly(value, validators.entity_tag);
  const std::optional<std::time_t> date = parse_http_date(value, validators.now);
  return date && date == validators.last_modified && *date < validators.now;
}

}  // namespace httpd::http
