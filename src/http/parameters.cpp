// Scanning of parameters.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/parameters.h"

#include <cstddef>

#include "http/characters.h"

namespace httpd::http {
namespace {

std::size_t token_length(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && is_tchar(text[length]))
    ++length;
  return length;
}

void skip_ows(std::string_view& text) noexcept {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
}

}  // namespace

ParameterScanner::Step ParameterScanner::next() noexcept {
  skip_ows(rest_);
  if (rest_.empty()) return Step::kEnd;
  if (rest_.front() != ';') return Step::kMalformed;
  while (!rest_.empty() && (rest_.front() == ';' || is_blank(rest_.front())))
    rest_.remove_prefix(1);
  if (rest_.empty()) return Step::kEnd;

  name_ = rest_.substr(0, token_length(rest_));
  rest_.remove_prefix(name_.size());
  if (name_.empty() || rest_.empty() || rest_.front() != '=') return Step::kMalformed;
  rest_.remove_prefix(1);
  if (!rest_.empty() && rest_.front() == '"') {
    return scan_quoted_string() ? Step::kParameter : Step::kMalformed;
  }
  value_ = rest_.substr(0, token_length(rest_));
  rest_.remove_prefix(value_.size());
  return value_.empty() ? Step::kMalformed : Step::kParameter;
}

bool ParameterScanner::scan_quoted_string() noexcept {
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    char c = rest_[i];
    if (c == '"') {
      value_ = rest_.substr(1, i - 1);
      rest_.remove_prefix(i + 1);
      return true;
    }
    if (c == '\\') {
      if (++i == rest_.size()) return false;
      c = rest_[i];
    }
    if (!is_field_vchar(c) && !is_blank(c)) return false;
  }
  return false;
}

void ParameterScanner::copy_value(std::string& out) const {
  out.clear();
  for (std::size_t i = 0; i < value_.size(); ++i) {
    if (value_[i] == '\\') ++i;
    out += value_[i];
  }
}

}  // namespace httpd::http
