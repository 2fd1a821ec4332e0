// application/x-www-form-urlencoded, the format of a form's body and of a query (URL standard section 5.1).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "http/arguments.h"
#include "http/refusal.h"

namespace httpd::http {

/// What a form may have; 0 is no limit.
struct FormLimits {
  std::size_t max_pair = 0;    ///< bytes of a name and its value together, decoded [kFormFieldTooLarge]
  std::size_t max_fields = 0;  ///< pairs [too_many]
  Refusal too_many = Refusal::kTooManyFormFields;
};

/// Adds the pairs of `text`, separated by '&', to `out`; what `out` holds already does not count. Empty
/// pieces are skipped; a piece without '=' is a name with an empty value. kMalformedForm for an empty name, a
/// malformed escape or a NUL. After a refusal `out` holds the pairs before the fault and perhaps the one with
/// it. `text` must not be a part of `out`.
[[nodiscard]] Refusal parse_urlencoded(std::string_view text, const FormLimits& limits, Arguments& out);

}  // namespace httpd::http
