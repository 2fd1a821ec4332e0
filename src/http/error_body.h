// What stands in the body of an error. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace httpd::http {

/// `reason` and a line feed, or {"error":{"status":404,"message":"..."}} and a line feed.
[[nodiscard]] std::string error_body(int status, std::string_view reason, bool as_json);

}  // namespace httpd::http
