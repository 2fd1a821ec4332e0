// What the log says about a request that was refused.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "http/refusal.h"

namespace httpd::server {

/// Who was refused what, why, and which parameter to change. `request`: the request line as far as it came;
/// escaped here. `root`: whose handler is the reason; "" for none. `detail`: what of the request is the
/// reason, e.g. "origin \"https://x.example\""; escaped already; "" for nothing.
[[nodiscard]] std::string refusal_line(http::Refusal refusal, std::string_view client,
                                       std::string_view request, std::string_view root,
                                       std::string_view detail = {});

}  // namespace httpd::server
