// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/field_scanner.h"

#include <cstring>

#include "http/characters.h"

namespace httpd::http {

bool FieldScanner::scan(std::string_view section, const Limits& limits) noexcept {
  while (refusal_ == Refusal::kNone && !complete_ && position_ < section.size()) {
    const void* const found = std::memchr(section.data() + position_, '\n', section.size() - position_);
    if (found == nullptr) {
      position_ = section.size();
      // What has come of a line; a CR alone may be the beginning of the empty line, which does not count.
      const std::string_view begun = section.substr(line_start_);
      if (begun != "\r" && section.size() > limits.max_size) refusal_ = limits.too_large;
      return false;
    }
    const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - section.data());
    position_ = end + 1;
    refusal_ = end_line(section, end, limits);
    line_start_ = position_;
  }
  return complete_;
}

/// Looks at the line whose line feed is at `end`.
Refusal FieldScanner::end_line(std::string_view section, std::size_t end, const Limits& limits) noexcept {
  const std::string_view line = section.substr(line_start_, end + 1 - line_start_);
  if (line == "\r\n") {
    complete_ = true;
    return Refusal::kNone;
  }
  if (end + 1 > limits.max_size) return limits.too_large;
  if (line.size() < 2 || line[line.size() - 2] != '\r') return Refusal::kBareLineEnding;
  if (is_blank(line.front())) return Refusal::kObsoleteFold;
  return ++fields_ > limits.max_fields ? limits.too_many : Refusal::kNone;
}

}  // namespace httpd::http
