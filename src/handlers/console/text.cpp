// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <httpd/utf8.h>

namespace httpd::console {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string_view html_of(char character) noexcept {
  switch (character) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

void append_html(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    const std::string_view escaped = html_of(sequence.front());
    if (length == 0 || is_utf8_control(sequence)) {
      out += kReplacement;
    } else {
      out += escaped.empty() ? sequence : escaped;
    }
    text.remove_prefix(sequence.size());
  }
}

std::string clipped(std::string text, std::size_t size) {
  constexpr std::string_view kCut = "...";
  if (text.size() <= size) return text;
  std::size_t end = size - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  text.resize(end);
  return text += kCut;
}

std::string decimal(double value, int digits) {
  std::array<char, 340> text{};  // longer than any double in digits
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  return {text.data(), end.ptr};
}

std::string rate_text(double per_second) {
  return per_second > 0 ? decimal(per_second, 1) : "0";
}

std::string utc_text(std::time_t time) {
  std::tm parts{};
  std::array<char, sizeof "YYYY-MM-DD HH:MM:SS"> text{};
  if (::gmtime_r(&time, &parts) == nullptr) return {};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

std::string age_text(std::chrono::milliseconds age) {
  const auto number = [](auto count) { return std::to_string(count); };
  age = std::max(age, std::chrono::milliseconds::zero());
  const auto tenths = age.count() / 100;
  const auto seconds = age.count() / 1000;
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  if (minutes == 0) return number(seconds) + "." + number(tenths % 10) + " s";
  if (hours == 0) return number(minutes) + " min " + number(seconds % 60) + " s";
  if (hours < 24) return number(hours) + " h " + number(minutes % 60) + " min";
  return number(hours / 24) + " d " + number(hours % 24) + " h";
}

std::string duration_text(std::chrono::duration<double> duration) {
  // A limit is where the three digits would say 1000.
  constexpr double kLimit = 0.9995;
  double value = duration.count();
  std::string_view unit = " s";
  if (value < kLimit / 1000) {
    value *= 1e6;
    unit = " µs";
  } else if (value < kLimit) {
    value *= 1e3;
    unit = " ms";
  }
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return decimal(value, digits).append(unit);
}

}  // namespace httpd::console
