// multipart/form-data (RFC 7578, RFC 2046 section 5.1.1) without files.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "http/arguments.h"
#include "http/form.h"
#include "http/refusal.h"

namespace httpd::http {

/// Adds the fields of `body` to `out`; what `out` holds already does not count. `boundary` is
/// MediaType::boundary. Lines end with CR LF; text before the first delimiter and after the final one, which
/// is required, is ignored. Each part has at most 8 header fields of 4096 bytes together, one of them
/// `Content-Disposition: form-data; name="..."`.
///
/// kFileUpload for a part with a file name; kMalformedForm for all faults that `limits` does not name, a NUL
/// and a Content-Transfer-Encoding other than 7bit, 8bit or binary among them. After a refusal `out` holds
/// the fields before the fault.
[[nodiscard]] Refusal parse_multipart(std::string_view body, std::string_view boundary,
                                      const FormLimits& limits, Arguments& out);

}  // namespace httpd::http
