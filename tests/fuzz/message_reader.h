// A second, plain reader of HTTP/1.1 messages, against which fuzz targets hold what the engine reads and
// writes. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httpd::fuzz {

/// A head, taken apart at its line ends and colons alone. Views into the text that was read.
struct PlainHead {
  std::string_view start_line;
  std::vector<std::pair<std::string_view, std::string_view>> fields;  ///< values without blanks around them
  std::size_t size = 0;                                               ///< with its empty line

  /// How many fields have this name, in any case.
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// The value of the first one; "" when there is none.
  [[nodiscard]] std::string_view value(std::string_view name) const;
};

/// Reads the head that `text` begins with (RFC 9112 section 2.1): CRLF line ends and no other CR or LF, names
/// of token characters right before their colon, values without control characters, no folded line. Nothing
/// when it is incomplete or breaks one of these rules.
[[nodiscard]] std::optional<PlainHead> read_head(std::string_view text);

/// A body in the chunked coding.
struct PlainChunks {
  std::string body;
  std::size_t size = 0;  ///< with the trailer section and its empty line
};

/// Reads the chunked body that `text` begins with (RFC 9112 section 7.1), each line up to its first CRLF.
/// Nothing when it is incomplete or wrong.
[[nodiscard]] std::optional<PlainChunks> read_chunks(std::string_view text);

/// The number that `text`, digits alone, stands for; nothing for any other text and beyond 64 bits.
[[nodiscard]] std::optional<unsigned long long> read_number(std::string_view text, int base);

/// `text` without the blanks and tabs around it.
[[nodiscard]] std::string_view without_blanks(std::string_view text);

/// ASCII letters taken without their case.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b);

}  // namespace httpd::fuzz
