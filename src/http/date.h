// Points in time in header fields: written in one form, read in three (RFC 9110 section 5.6.7).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <ctime>
#include <optional>
#include <string_view>

namespace httpd::http {

/// The length in bytes of an IMF-fixdate.
inline constexpr std::size_t kImfFixdateSize = 29;

/// Writes `time` as an IMF-fixdate, e.g. "Sun, 06 Nov 1994 08:49:37 GMT": exactly 29 bytes, no NUL. A time
/// before 1970 or after the year 9999, for which the form has no room, is written as the nearest one inside.
void format_imf_fixdate(std::time_t time, char out[kImfFixdateSize]) noexcept;

/// Reads an HTTP-date: an IMF-fixdate, or one of the obsolete forms of RFC 850 and asctime(). In the second
/// the year has two digits, and is the last one with them that is not more than 50 years after `now`. Whether
/// the day of the week fits is not looked at. Nothing for what has none of these forms, or no such day or
/// second.
[[nodiscard]] std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now) noexcept;

/// The current IMF-fixdate, formatted anew only when the second has changed.
class DateCache {
 public:
  DateCache() noexcept { format_imf_fixdate(second_, text_); }
  /// The view stays valid, and keeps its text, until the next call.
  [[nodiscard]] std::string_view value(std::time_t now) noexcept;

 private:
  std::time_t second_ = 0;
  char text_[kImfFixdateSize];
};

}  // namespace httpd::http
