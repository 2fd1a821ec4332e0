// HTTP-dates without the C library's locale.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/date.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "http/characters.h"

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

constexpr std::string_view kLongDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                          "Thursday", "Friday", "Saturday"};

/// Takes a date apart from its beginning. After the first thing that is missing nothing is found any more.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] bool complete() const noexcept { return good_ && rest_.empty(); }

  DateReader& skip(std::string_view text) noexcept {
    good_ = good_ && rest_.starts_with(text);
    if (good_) rest_.remove_prefix(text.size());
    return *this;
  }
  DateReader& number(std::size_t digits, int& value) noexcept {
    good_ = good_ && rest_.size() >= digits && std::ranges::all_of(rest_.substr(0, digits), is_digit);
    if (!good_) return *this;
    value = 0;
    for (const char digit : rest_.substr(0, digits))
      value = value * 10 + (digit - '0');
    rest_.remove_prefix(digits);
    return *this;
  }
  /// The place of the three letters that come next in a list of such names, from 0 on.
  DateReader& name(std::string_view names, unsigned& value) noexcept {
    const std::string_view letters = rest_.substr(0, 3);
    std::size_t at = 0;
    while (at < names.size() && names.substr(at, 3) != letters)
      at += 3;
    good_ = good_ && letters.size() == 3 && at < names.size();
    if (good_) rest_.remove_prefix(3);
    value = static_cast<unsigned>(at / 3);
    return *this;
  }
  DateReader& time(int& hour, int& minute, int& second) noexcept {
    return number(2, hour).skip(":").number(2, minute).skip(":").number(2, second);
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

int year_of(std::time_t time) noexcept {
  constexpr std::time_t kLastSecond = 253'402'300'799;
  const std::chrono::sys_days day{std::chrono::days{std::clamp<std::time_t>(time, 0, kLastSecond) / 86400}};
  return static_cast<int>(std::chrono::year_month_day{day}.year());
}

}  // namespace

std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now) noexcept {
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  unsigned month = 0;
  unsigned weekday = 0;
  DateReader reader(text);
  if (text.size() > 3 && text[3] == ',') {
    reader.name(kDays, weekday).skip(", ").number(2, day).skip(" ").name(kMonths, month).skip(" ");
    reader.number(4, year).skip(" ").time(hour, minute, second).skip(" GMT");
  } else if (const std::size_t comma = text.find(','); comma != std::string_view::npos) {
    if (std::ranges::find(kLongDays, text.substr(0, comma)) == std::end(kLongDays)) return std::nullopt;
    reader = DateReader(text.substr(comma));
    reader.skip(", ").number(2, day).skip("-").name(kMonths, month).skip("-").number(2, year).skip(" ");
    reader.time(hour, minute, second).skip(" GMT");
    const int this_year = year_of(now);
    year += this_year / 100 * 100 + 100;
    while (year > this_year + 50)
      year -= 100;
  } else {
    reader.name(kDays, weekday).skip(" ").name(kMonths, month).skip(" ");
    const bool one_digit = text.size() > 8 && text[8] == ' ';
    reader.skip(one_digit ? " " : "").number(one_digit ? 1 : 2, day).skip(" ");
    reader.time(hour, minute, second).skip(" ").number(4, year);
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month + 1},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  // Second 60 is a leap second.
  if (!reader.complete() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return static_cast<std::time_t>(((days * 24 + hour) * 60 + minute) * 60 + second);
}

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
