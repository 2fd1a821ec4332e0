// Which content coding a client gets (RFC 9110 section 12.5.3).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/framing.h"

namespace httpd::http {

/// The codings that the engine knows: gzip (RFC 1952) and zstd (RFC 8878).
enum class ContentCoding : std::uint8_t { kIdentity, kGzip, kZstd };

/// "gzip" or "zstd", as Content-Encoding has it; "identity" for none.
[[nodiscard]] std::string_view coding_name(ContentCoding coding) noexcept;

/// The coding that a client with these fields likes best; zstd of two that it likes equally, since that takes
/// less time. kIdentity without an Accept-Encoding field, for one that cannot be read, and where identity is
/// named with a higher weight. "x-gzip" is gzip. "*" stands for gzip alone: who means zstd names it. What is
/// named twice has the lower weight.
[[nodiscard]] ContentCoding choose_coding(std::span<const FieldLine> fields) noexcept;

/// Whether a client with these fields takes `coding`: its name (any case) stands there or, where it does not,
/// "*" does, with a weight that is not 0. False for what cannot be read.
[[nodiscard]] bool accepts_coding(std::span<const FieldLine> fields, std::string_view coding) noexcept;

}  // namespace httpd::http
