// Content negotiation, as far as errors need it (RFC 9110 section 12.5.1).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>

#include "http/framing.h"

namespace httpd::http {

/// Whether a client with these fields prefers application/json to text/plain: its weight is higher, or it is
/// equal and the client names JSON more exactly. Without an Accept field, and for one that cannot be read,
/// plain text is as good. Parameters other than q are not looked at.
[[nodiscard]] bool prefers_json(std::span<const FieldLine> fields) noexcept;

}  // namespace httpd::http
