// How long a message is and whether the connection lives on: RFC 9112 sections 3.2, 6, 9 and RFC 9110
// section 10.1.1. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/refusal.h"

namespace httpd::http {

/// The fields that decide about framing, routing and access; all others are for handlers.
enum class FieldId : std::uint8_t {
  kOther,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kExpect,
  kContentType,
  kAuthorization,
  kOrigin
};

/// One header field line. The views live as long as the message's head does.
struct FieldLine {
  FieldId id;
  std::string_view name;
  std::string_view value;
};

/// What the framing fields say.
struct Framing {
  enum class Body : std::uint8_t { kNone, kLength, kChunked };
  Body body = Body::kNone;
  std::uint64_t length = 0;       ///< for Body::kLength, more than 0
  bool keep_alive = true;         ///< the client is willing to go on with this connection
  bool expects_continue = false;  ///< it waits for "100 Continue" before it sends the body
  bool unknown_expectation = false;
};

/// Reads the framing of a request with these fields. Anything that two readers could frame differently is
/// refused.
[[nodiscard]] Refusal read_framing(std::span<const FieldLine> fields, bool http_1_0,
                                   Framing& framing) noexcept;

}  // namespace httpd::http
