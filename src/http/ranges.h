// The Range field (RFC 9110 section 14).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::http {

/// Some bytes of a representation.
struct ByteRange {
  std::uint64_t first;
  std::uint64_t size;  ///< more than 0
  bool operator==(const ByteRange&) const = default;
};

/// What a Range field asks of a representation.
struct RangeRequest {
  enum class Kind : std::uint8_t {
    kWhole,          ///< the field is to be ignored: 200
    kParts,          ///< 206 with `parts`
    kUnsatisfiable,  ///< 416
  };
  Kind kind = Kind::kWhole;
  std::vector<ByteRange> parts;  ///< at least one for kParts
};

/// The most ranges of one request that are looked at.
inline constexpr std::size_t kMaxRanges = 32;

/// Reads the value of a Range field for a representation of `size` bytes. Ranges that overlap or touch are
/// joined, so that the parts together are never longer than the whole; they come in the order of their first
/// mention (section 15.3.7.2). kWhole for a unit other than bytes, for what is malformed, and for more than
/// kMaxRanges ranges (section 14.2). Throws std::bad_alloc.
[[nodiscard]] RangeRequest read_ranges(std::string_view value, std::uint64_t size);

/// The value of the Content-Range field (section 14.4): "bytes 0-99/1234".
[[nodiscard]] std::string content_range(const ByteRange& range, std::uint64_t size);
/// The same for a 416: "bytes */1234".
[[nodiscard]] std::string unsatisfied_range(std::uint64_t size);

}  // namespace httpd::http
