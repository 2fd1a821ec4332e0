// The character classes of RFC 9110, RFC 9112 and RFC 3986, one table look-up each; free of any locale.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>

namespace httpd::http {

/// A set of characters, for in_class(). A class of RFC 3986 leaves out the '%' of an escape.
enum class CharClass : std::uint8_t {
  kToken = 1,     ///< tchar, RFC 9110 section 5.6.2
  kField = 2,     ///< field-vchar, RFC 9110 section 5.5: visible ASCII and every byte above it
  kHost = 4,      ///< of a reg-name, RFC 3986 section 3.2.2: unreserved and sub-delims
  kPath = 8,      ///< of a path, RFC 3986 section 3.3: pchar and '/'
  kQuery = 16,    ///< of a query: RFC 3986 section 3.4, and '[' and ']' (see parse_target())
  kHex = 32,      ///< HEXDIG in either case
  kBoundary = 64  ///< bcharsnospace, RFC 2046 section 5.1.1
};

namespace detail {

constexpr std::array<std::uint8_t, 256> make_char_table() noexcept {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view characters, std::initializer_list<CharClass> classes) {
    for (const char c : characters) {
      for (const CharClass set : classes) {
        std::uint8_t& entry = table[static_cast<unsigned char>(c)];
        entry = static_cast<std::uint8_t>(entry | static_cast<std::uint8_t>(set));
      }
    }
  };
  using enum CharClass;
  mark("0123456789ABCDEFabcdef", {kToken, kHost, kPath, kQuery, kHex, kBoundary});
  mark("GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz", {kToken, kHost, kPath, kQuery, kBoundary});
  mark("!#$%&'*+-.^_`|~", {kToken});
  mark("-._~!$&'()*+,;=", {kHost, kPath, kQuery});
  mark(":@/", {kPath, kQuery});
  mark("?[]", {kQuery});
  mark("'()+_,-./:=?", {kBoundary});
  for (std::size_t c = 0x21; c < table.size(); ++c) {
    if (c != 0x7F) table[c] = static_cast<std::uint8_t>(table[c] | static_cast<std::uint8_t>(kField));
  }
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kCharTable = make_char_table();

}  // namespace detail

[[nodiscard]] constexpr bool in_class(char c, CharClass set) noexcept {
  return (detail::kCharTable[static_cast<unsigned char>(c)] & static_cast<std::uint8_t>(set)) != 0;
}

/// RFC 9110 section 5.6.2.
[[nodiscard]] constexpr bool is_tchar(char c) noexcept {
  return in_class(c, CharClass::kToken);
}

/// RFC 9110 section 5.5; neither SP nor HTAB, which a field's value may hold between such characters.
[[nodiscard]] constexpr bool is_field_vchar(char c) noexcept {
  return in_class(c, CharClass::kField);
}

/// RFC 9110 section 5.5: what a field's value may consist of, blanks included.
[[nodiscard]] inline bool is_field_value(std::string_view text) noexcept {
  // Eight bytes at a time: a control character is below 0x20, or DEL.
  constexpr std::uint64_t kEach = 0x0101'0101'0101'0101;
  constexpr std::uint64_t kHighBits = 0x80 * kEach;
  const auto is_good = [](char c) { return is_field_vchar(c) || c == ' ' || c == '\t'; };
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    const std::uint64_t del = word ^ (0x7F * kEach);
    const std::uint64_t found = ((word - 0x20 * kEach) & ~word) | ((del - kEach) & ~del);
    // A tab is good all the same, and borrowing bits may find too much, never too little.
    if ((found & kHighBits) != 0 && !std::ranges::all_of(text.substr(0, sizeof word), is_good)) return false;
    text.remove_prefix(sizeof word);
  }
  return std::ranges::all_of(text, is_good);
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// SP or HTAB (RFC 9110 section 5.6.3).
[[nodiscard]] constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

/// ASCII letters only; every other byte stays as it is.
[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The value of a hexadecimal digit in either case, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (!in_class(c, CharClass::kHex)) return -1;
  return is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10;
}

/// Equal when ASCII letters are taken without their case.
[[nodiscard]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

/// `text` without the SP and HTAB around it (OWS, RFC 9110 section 5.6.3).
[[nodiscard]] constexpr std::string_view trim_ows(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// RFC 9110 section 5.6.2: at least one tchar and nothing else.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!is_tchar(c)) return false;
  }
  return !text.empty();
}

}  // namespace httpd::http
