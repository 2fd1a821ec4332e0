// Finds the end of a section of field lines as its bytes come in: a header section, or a trailer section.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "http/refusal.h"

namespace httpd::http {

/// Looks at each byte once, however they are fragmented (RFC 9112 sections 2.2, 5 and 7.1.2). Only ends and
/// number of the lines are looked at; their syntax is RequestParser's.
class FieldScanner {
 public:
  /// What a section may have, and the refusals for more.
  struct Limits {
    std::size_t max_size;    ///< bytes of all lines with their CR LF, without the empty line
    std::size_t max_fields;  ///< lines
    Refusal too_large;
    Refusal too_many;
  };

  /// `section` is the section from its first byte on: all that earlier calls saw, and more. True when the
  /// empty line at its end has come; false when more is needed or the section is refused (see refusal()).
  bool scan(std::string_view section, const Limits& limits) noexcept;

  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
  /// The size of the section with the empty line; once scan() returned true.
  [[nodiscard]] std::size_t size() const noexcept { return position_; }

 private:
  Refusal end_line(std::string_view section, std::size_t end, const Limits& limits) noexcept;

  std::size_t position_ = 0;  // bytes looked at
  std::size_t line_start_ = 0;
  std::size_t fields_ = 0;
  bool complete_ = false;
  Refusal refusal_ = Refusal::kNone;
};

}  // namespace httpd::http
