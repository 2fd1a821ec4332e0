// Requests that pages in browsers make: whose page, and what the browser is told (Fetch standard section 3).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "http/parser.h"
#include "http/refusal.h"
#include "server/access/rules.h"
#include "server/router.h"

namespace httpd::server {

/// True for the question whether another request may be made (Fetch standard section 4.8).
[[nodiscard]] bool is_preflight(const http::RequestHead& head) noexcept;
/// The same from a page of `origins`, and without a body, which no browser sends with it.
[[nodiscard]] bool is_allowed_preflight(const http::RequestHead& head, const Origins& origins) noexcept;

/// A request that may change something (its method is not safe, RFC 9110 section 9.2.1), and a preflight,
/// must not come from a page of another site; where the policy says so no request must. `authority`: of the
/// request; `tls`: it came over TLS. The page's own origin decides (Origin), or what the browser says about
/// it where that is not told (Sec-Fetch-Site of the Fetch Metadata specification). A client that is no
/// browser sends neither.
[[nodiscard]] http::Refusal judge_origin(const http::RequestHead& head, std::string_view authority, bool tls,
                                         const Policy& policy) noexcept;

/// Header lines for the reply to a request for `route` (null for none): "" where the root has no origins.
[[nodiscard]] std::string cross_origin_fields(const http::RequestHead& head, const Route* route,
                                              const Origins& origins);

}  // namespace httpd::server
