// IMF-fixdate without the C library's locale.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/date.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace httpd::http {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

char* put(char* out, std::string_view text) noexcept {
  return std::copy(text.begin(), text.end(), out);
}

char* put_two_digits(char* out, unsigned value) noexcept {
  *out++ = static_cast<char>('0' + value / 10);
  *out++ = static_cast<char>('0' + value % 10);
  return out;
}

}  // namespace

void format_imf_fixdate(std::time_t time, char out[kImfFixdateSize]) noexcept {
  constexpr std::int64_t kLastSecond = 253'402'300'799;  // 9999-12-31 23:59:59
  const auto second = std::clamp<std::int64_t>(time, 0, kLastSecond);
  const std::chrono::sys_days day{std::chrono::days{second / 86400}};
  const auto second_of_day = static_cast<unsigned>(second % 86400);
  const std::chrono::year_month_day date{day};
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));

  out = put(out, kDays.substr(std::size_t{3} * std::chrono::weekday{day}.c_encoding(), 3));
  out = put(out, ", ");
  out = put_two_digits(out, static_cast<unsigned>(date.day()));
  *out++ = ' ';
  out = put(out, kMonths.substr(std::size_t{3} * (static_cast<unsigned>(date.month()) - 1), 3));
  *out++ = ' ';
  out = put_two_digits(out, year / 100);
  out = put_two_digits(out, year % 100);
  *out++ = ' ';
  out = put_two_digits(out, second_of_day / 3600);
  *out++ = ':';
  out = put_two_digits(out, second_of_day / 60 % 60);
  *out++ = ':';
  out = put_two_digits(out, second_of_day % 60);
  put(out, " GMT");
}

std::string_view DateCache::value(std::time_t now) noexcept {
  if (now != second_) {
    format_imf_fixdate(now, text_);
    second_ = now;
  }
  return {text_, sizeof text_};
}

}  // namespace httpd::http
