// The status codes' names (RFC 9110 section 15 and the IANA registry of HTTP status codes).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace httpd::http {

/// The registered reason phrase, e.g. "Not Found" for 404; "Unknown" for any other number. Static storage.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace httpd::http
