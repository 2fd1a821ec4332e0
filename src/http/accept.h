// Content negotiation by media type (RFC 9110 section 12.5.1). SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "http/framing.h"

namespace httpd::http {

/// The index of the media type among `offered` that a client with these fields prefers: that of the highest
/// weight, among equals the one that it names most exactly, among those the first. offered.size() when it
/// takes none of them; 0 without an Accept field, and for one that cannot be read. A parameter of the
/// client's counts only against a type that has another value for it. `offered`: e.g. "text/plain;
/// version=0.0.4".
[[nodiscard]] std::size_t preferred_type(std::span<const FieldLine> fields,
                                         std::span<const std::string_view> offered) noexcept;

/// Whether a client with these fields prefers application/json to text/plain.
[[nodiscard]] bool prefers_json(std::span<const FieldLine> fields) noexcept;

}  // namespace httpd::http
