// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/ranges.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "http/characters.h"

namespace httpd::http {
namespace {

constexpr std::string_view kUnit = "bytes=";

/// Takes the digits that `text` begins with; a number too large for any representation becomes the largest.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::uint64_t number = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    const auto digit = static_cast<unsigned char>(text.front() - '0');
    number = number > (kMax - digit) / 10 ? kMax : number * 10 + digit;
  }
  return number;
}

/// A range-spec (RFC 9110 section 14.1.1).
struct Spec {
  std::optional<std::uint64_t> first;  // none: the last `last` bytes
  std::optional<std::uint64_t> last;
};

std::optional<Spec> read_spec(std::string_view text) noexcept {
  Spec spec;
  spec.first = take_number(text);
  if (text.empty() || text.front() != '-') return std::nullopt;
  text.remove_prefix(1);
  spec.last = take_number(text);
  if (!text.empty() || (!spec.first && !spec.last)) return std::nullopt;
  if (spec.first && spec.last && *spec.last < *spec.first) return std::nullopt;
  return spec;
}

/// The bytes that `spec` stands for; nothing where there are none.
std::optional<ByteRange> select(const Spec& spec, std::uint64_t size) noexcept {
  if (!spec.first) {
    const std::uint64_t length = std::min(*spec.last, size);
    if (length == 0) return std::nullopt;
    return ByteRange{size - length, length};
  }
  if (*spec.first >= size) return std::nullopt;
  const std::uint64_t last = std::min(spec.last.value_or(size - 1), size - 1);
  return ByteRange{*spec.first, last - *spec.first + 1};
}

bool touch(const ByteRange& a, const ByteRange& b) noexcept {
  return a.first <= b.first + b.size && b.first <= a.first + a.size;
}

/// Adds a range that touches none of `parts` once it has swallowed those that it does touch.
void join(ByteRange range, std::vector<ByteRange>& parts) {
  std::size_t place = parts.size();
  for (std::size_t i = 0; i < parts.size();) {
    if (!touch(range, parts[i])) {
      ++i;
      continue;
    }
    const std::uint64_t end = std::max(range.first + range.size, parts[i].first + parts[i].size);
    range.first = std::min(range.first, parts[i].first);
    range.size = end - range.first;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
    place = std::min(place, i);
    i = 0;  // it has grown, and may touch one that was passed
  }
  parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(std::min(place, parts.size())), range);
}

}  // namespace

RangeRequest read_ranges(std::string_view value, std::uint64_t size) {
  if (!iequals(value.substr(0, kUnit.size()), kUnit)) return {};
  value.remove_prefix(kUnit.size());
  RangeRequest request{RangeRequest::Kind::kUnsatisfiable, {}};
  std::size_t count = 0;
  for (;;) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view text = trim_ows(value.substr(0, comma));
    if (!text.empty()) {
      const std::optional<Spec> spec = read_spec(text);
      if (!spec || ++count > kMaxRanges) return {};
      // No Content-Range can stand for the last bytes of nothing; the whole is what they are.
      if (size == 0 && !spec->first && *spec->last > 0) return {};
      if (const std::optional<ByteRange> range = select(*spec, size)) join(*range, request.parts);
    }
    if (comma == value.size()) break;
    value.remove_prefix(comma + 1);
  }
  if (count == 0) return {};
  if (!request.parts.empty()) request.kind = RangeRequest::Kind::kParts;
  return request;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + '-' + std::to_string(range.first + range.size - 1) + '/' +
         std::to_string(size);
}

std::string unsatisfied_range(std::uint64_t size) {
  return "bytes */" + std::to_string(size);
}

}  // namespace httpd::http
