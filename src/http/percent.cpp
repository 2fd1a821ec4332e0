// Checking and decoding of percent-encoded text.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/percent.h"

#include <cstddef>

namespace httpd::http {
namespace {

/// The byte that the escape at `text[at]` stands for, or -1 when there is no whole escape.
int escaped_byte(std::string_view text, std::size_t at) noexcept {
  if (text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

bool is_escaped_text(std::string_view text, CharClass set) noexcept {
  for (std::size_t i = 0;; i += 3) {
    while (i < text.size() && in_class(text[i], set))
      ++i;
    if (i == text.size()) return true;
    if (text[i] != '%' || escaped_byte(text, i) < 0) return false;
  }
}

bool percent_decode(std::string_view in, std::string& out, bool plus_is_space) {
  const std::size_t size_before = out.size();
  out.resize(size_before + in.size());
  std::size_t size = size_before;
  for (std::size_t i = 0; i < in.size(); ++i) {
    char c = in[i];
    if (c == '%') {
      const int byte = escaped_byte(in, i);
      c = byte < 0 ? '\0' : static_cast<char>(byte);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') {
      out.resize(size_before);
      return false;
    }
    out[size++] = c;
  }
  out.resize(size);
  return true;
}

}  // namespace httpd::http
