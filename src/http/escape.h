// Text that came from outside, made fit for a log line or a JSON string.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace httpd::http {

/// `text` as printable ASCII on one line: '"' and '\' get a backslash, every other byte outside 0x20-0x7E
/// becomes \xHH. Of a longer text only the first `max_bytes` bytes are taken, and "..." follows them.
[[nodiscard]] std::string escape_for_log(std::string_view text, std::size_t max_bytes = 256);

/// `text` as it stands between the quotation marks of a JSON string (RFC 8259 section 7). Control characters,
/// those of U+0080-009F too, and the separators U+2028 and U+2029 are escaped; each byte that is no part of
/// well-formed UTF-8 becomes \ufffd.
[[nodiscard]] std::string escape_json(std::string_view text);

/// Append the same to `out`, without memory of their own: at most `max_bytes` bytes, with "..." behind what
/// is cut, never inside an escape or a UTF-8 sequence.
void append_for_log(std::string_view text, std::size_t max_bytes, std::string& out);
void append_json(std::string_view text, std::size_t max_bytes, std::string& out);

}  // namespace httpd::http
