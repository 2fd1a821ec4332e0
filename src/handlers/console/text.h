// Text for people: numbers, times and ages; and how any text becomes HTML.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

namespace httpd::console {

/// Appends `text` so that it is text and nothing else, in an element and in a quoted attribute. Control
/// characters, and bytes that are no UTF-8, become U+FFFD.
void append_html(std::string_view text, std::string& out);

/// At most `size` bytes (`size` > 3) of a text: one that is longer ends in "..." instead, not inside of a
/// UTF-8 sequence.
[[nodiscard]] std::string clipped(std::string text, std::size_t size);

/// "12.30": with so many digits behind the point.
[[nodiscard]] std::string decimal(double value, int digits);

/// So many a second: "12.3", or "0" where nothing happened.
[[nodiscard]] std::string rate_text(double per_second);

/// "2026-03-31 23:59:59", UTC; "" for a time whose year has no place in that.
[[nodiscard]] std::string utc_text(std::time_t time);

/// How long ago: "3.2 s", "4 min 10 s", "3 h 5 min", "12 d 7 h". What is less than 0 is 0.
[[nodiscard]] std::string age_text(std::chrono::milliseconds age);

/// How long something took, in three digits: "85.0 µs", "1.20 ms", "3.45 s".
[[nodiscard]] std::string duration_text(std::chrono::duration<double> duration);

}  // namespace httpd::console
