// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/coded_reply.h"

#include <algorithm>
#include <array>

#include "http/characters.h"
#include "http/conditions.h"
#include "http/weights.h"

namespace httpd::http {
namespace {

constexpr std::string_view kVary = "Accept-Encoding";
constexpr std::string_view kLineEnd = "\r\n";

constexpr std::array<std::string_view, 20> kTypes{"application/javascript",
                                                  "application/x-javascript",
                                                  "application/ecmascript",
                                                  "application/json",
                                                  "application/json-rpc",
                                                  "application/jsonrequest",
                                                  "application/x-ndjson",
                                                  "application/json-seq",
                                                  "application/xml",
                                                  "application/xml-dtd",
                                                  "application/wasm",
                                                  "application/yaml",
                                                  "application/toml",
                                                  "application/sql",
                                                  "application/rtf",
                                                  "application/openmetrics-text",
                                                  "font/ttf",
                                                  "font/otf",
                                                  "image/bmp",
                                                  "image/x-icon"};
constexpr std::array<std::string_view, 3> kSuffixes{"+json", "+xml", "+yaml"};

/// Fields that speak of the bytes as they are.
constexpr std::array<std::string_view, 6> kBound{"Content-Encoding", "Content-Range", "Content-Digest",
                                                 "Repr-Digest",      "Digest",        "Content-MD5"};

constexpr bool istarts_with(std::string_view text, std::string_view start) noexcept {
  return iequals(text.substr(0, start.size()), start);
}

constexpr bool iends_with(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && iequals(text.substr(text.size() - end.size()), end);
}

/// Of lists of plain members.
bool list_has(std::string_view list, std::string_view wanted) noexcept {
  while (!list.empty())
    if (iequals(next_list_member(list), wanted)) return true;
  return false;
}

/// A header line in the text that it stands in.
struct Line {
  std::string_view name;
  std::string_view value;
  std::size_t begin = 0;  ///< of the line
  std::size_t end = 0;    ///< behind its CRLF
};

/// The line that begins at `begin`, of which there is one.
Line line_at(std::string_view lines, std::size_t begin) noexcept {
  const std::size_t end = std::min(lines.find(kLineEnd, begin), lines.size());
  const std::string_view text = lines.substr(begin, end - begin);
  const std::size_t colon = std::min(text.find(':'), text.size());
  return {text.substr(0, colon), trim_ows(text.substr(std::min(colon + 1, text.size()))), begin,
          std::min(end + kLineEnd.size(), lines.size())};
}

/// Calls `use` with each line until it returns true; whether it did.
template <typename Use>
bool any_line(std::string_view lines, Use use) {
  for (std::size_t at = 0; at < lines.size();) {
    const Line line = line_at(lines, at);
    if (use(line)) return true;
    at = line.end;
  }
  return false;
}

/// True when there was one.
bool remove_lines(std::string& lines, std::string_view name) {
  const std::size_t before = lines.size();
  for (std::size_t at = 0; at < lines.size();) {
    const Line line = line_at(lines, at);
    if (iequals(line.name, name)) {
      lines.erase(line.begin, line.end - line.begin);
    } else {
      at = line.end;
    }
  }
  return lines.size() < before;
}

std::size_t place_of(std::string_view part, std::string_view whole) noexcept {
  return static_cast<std::size_t>(part.data() - whole.data());
}

}  // namespace

bool is_compressible(std::string_view content_type) noexcept {
  const std::string_view type = trim_ows(content_type.substr(0, content_type.find(';')));
  if (istarts_with(type, "text/")) return !iequals(type, "text/event-stream");
  const auto equals = [type](std::string_view known) { return iequals(type, known); };
  const auto ends = [type](std::string_view suffix) { return iends_with(type, suffix); };
  return std::ranges::any_of(kTypes, equals) || std::ranges::any_of(kSuffixes, ends);
}

bool forbids_coding(std::string_view lines) noexcept {
  return any_line(lines, [](const Line& line) {
    if (iequals(line.name, "Cache-Control")) return list_has(line.value, "no-transform");
    return std::ranges::any_of(kBound, [&](std::string_view name) { return iequals(line.name, name); });
  });
}

void add_vary(std::string& lines) {
  std::size_t end_of_value = std::string::npos;
  const bool says_so = any_line(lines, [&](const Line& line) {
    if (!iequals(line.name, "Vary")) return false;
    if (!line.value.empty()) end_of_value = place_of(line.value, lines) + line.value.size();
    return list_has(line.value, "*") || list_has(line.value, kVary);
  });
  if (says_so) return;
  if (end_of_value != std::string::npos) {
    lines.insert(end_of_value, ", Accept-Encoding");
  } else {
    lines += "Vary: Accept-Encoding\r\n";
  }
}

void weaken_entity_tag(std::string& lines) {
  std::size_t place = std::string::npos;
  any_line(lines, [&](const Line& line) {
    if (!iequals(line.name, "ETag")) return false;
    if (line.value.starts_with('"')) place = place_of(line.value, lines);
    return true;
  });
  if (place != std::string::npos) lines.insert(place, "W/");
}

void apply_coding(ContentCoding coding, std::string& lines) {
  weaken_entity_tag(lines);
  const bool has_ranges = remove_lines(lines, "Accept-Ranges");
  const bool has_tag = any_line(lines, [](const Line& line) { return iequals(line.name, "ETag"); });
  if (has_ranges && !has_tag) remove_lines(lines, "Last-Modified");
  lines += "Content-Encoding: ";
  lines += coding_name(coding);
  lines += kLineEnd;
}

bool has_coded_body(std::span<const FieldLine> fields, std::string_view lines) noexcept {
  return any_line(lines, [fields](const Line& line) {
    return iequals(line.name, "ETag") && line.value.starts_with('"') &&
           is_named_weakly_alone(fields, line.value);
  });
}

}  // namespace httpd::http
