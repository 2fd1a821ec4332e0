// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/entity_tag.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace httpd::console {

std::string entity_tag(std::string_view bytes) {
  // FNV-1a: the browser is told apart versions of our own files, nobody attacks this.
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), hash, 16);
  return '"' + std::string(digits.data(), end.ptr) + '"';
}

bool names_entity_tag(std::string_view if_none_match, std::string_view tag) noexcept {
  if (if_none_match == "*") return true;
  std::string_view rest = if_none_match;
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size()));
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    if (!rest.starts_with('"')) return false;
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == tag) return true;
    rest.remove_prefix(end + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (!rest.empty() && rest.front() != ',') return false;
  }
}

}  // namespace httpd::console
