// SPDX-License-Identifier: GPL-2.0-or-later
#include "message_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace httpd::fuzz {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

/// Takes the line that `text` begins with, without its CRLF. Nothing when there is none, or a CR or LF in it.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  if (end == kNone || text.substr(0, end).find_first_of("\r\n") != kNone) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == kNone) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<unsigned long long> read_number(std::string_view text, int base) {
  if (text.empty() || text.front() == '-') return std::nullopt;
  unsigned long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::size_t PlainHead::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [name](const auto& field) { return same_name(field.first, name); }));
}

std::string_view PlainHead::value(std::string_view name) const {
  for (const auto& [field_name, value] : fields)
    if (same_name(field_name, name)) return value;
  return {};
}

std::optional<PlainHead> read_head(std::string_view text) {
  PlainHead head;
  std::string_view rest = text;
  const std::optional<std::string_view> start_line = take_line(rest);
  if (!start_line || has_controls(*start_line)) return std::nullopt;
  head.start_line = *start_line;
  for (;;) {
    const std::optional<std::string_view> line = take_line(rest);
    if (!line) return std::nullopt;
    if (line->empty()) break;
    const std::size_t colon = line->find(':');
    if (colon == kNone || !is_name(line->substr(0, colon)) || has_controls(*line)) return std::nullopt;
    head.fields.emplace_back(line->substr(0, colon), without_blanks(line->substr(colon + 1)));
  }
  head.size = text.size() - rest.size();
  return head;
}

std::optional<PlainChunks> read_chunks(std::string_view text) {
  PlainChunks chunks;
  std::string_view rest = text;
  for (;;) {
    const std::optional<std::string_view> line = take_line(rest);
    if (!line) return std::nullopt;
    const std::string_view digits = without_blanks(line->substr(0, line->find(';')));
    if (!digits.empty() && !line->starts_with(digits)) return std::nullopt;
    const std::optional<unsigned long long> size = read_number(digits, 16);
    if (!size) return std::nullopt;
    if (*size == 0) break;
    if (*size > rest.size() || rest.substr(*size, 2) != "\r\n") return std::nullopt;
    chunks.body += rest.substr(0, *size);
    rest.remove_prefix(*size + 2);
  }
  for (;;) {
    const std::optional<std::string_view> line = take_line(rest);
    if (!line) return std::nullopt;
    if (line->empty()) break;
  }
  chunks.size = text.size() - rest.size();
  return chunks;
}

}  // namespace httpd::fuzz
