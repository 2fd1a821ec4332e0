// application/x-www-form-urlencoded, the format of a form's body and of a query (URL standard section 5.1).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "http/arguments.h"
#include "http/refusal.h"

namespace httpd::http {

/// Adds the pairs of `text`, separated by '&', to `out`. Empty pieces are skipped; a piece without '=' is a
/// name with an empty value. kMalformedForm for an empty name, a malformed escape or a NUL;
/// kFormFieldTooLarge for a pair whose decoded name and value together have more than `max_pair` bytes (0: no
/// limit). After a refusal `out` holds the pairs before the fault and perhaps the one with it. `text` must
/// not be a part of `out`.
[[nodiscard]] Refusal parse_urlencoded(std::string_view text, std::size_t max_pair, Arguments& out);

}  // namespace httpd::http
