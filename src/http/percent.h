// Percent-encoding (RFC 3986 section 2.1).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "http/characters.h"

namespace httpd::http {

/// True when `text` holds nothing but characters of `set` and escapes of '%' and two hexadecimal digits; also
/// when it is empty.
[[nodiscard]] bool is_escaped_text(std::string_view text, CharClass set) noexcept;

/// Appends `in` to `out` with its escapes decoded and, when `plus_is_space`, '+' as a space (the query's and
/// the form's custom, never the path's). False, with `out` as it was, for a '%' without two hexadecimal
/// digits and for a NUL, escaped or not. `in` must not be a part of `out`.
[[nodiscard]] bool percent_decode(std::string_view in, std::string& out, bool plus_is_space);

}  // namespace httpd::http
