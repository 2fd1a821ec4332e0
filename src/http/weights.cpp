// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/weights.h"

#include <algorithm>

#include "http/characters.h"

namespace httpd::http {

std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int place = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!is_digit(digit)) return std::nullopt;
    weight += (digit - '0') * place;
    place /= 10;
  }
  return weight <= 1000 ? std::optional<int>(weight) : std::nullopt;
}

std::string_view next_list_member(std::string_view& list) noexcept {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (quoted || list[end] != ','); ++end) {
    if (list[end] == '"') quoted = !quoted;
    if (quoted && list[end] == '\\' && end + 1 < list.size()) ++end;
  }
  const std::string_view member = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return trim_ows(member);
}

}  // namespace httpd::http
