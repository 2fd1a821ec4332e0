// Writes the head of a reply (RFC 9112 section 4, RFC 9110 sections 6.6.1 and 8.6).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace httpd::http {

/// What goes into a reply's head.
struct ReplyHead {
  enum class Body : std::uint8_t {
    kLength,     ///< Content-Length: `length` (left out for 204 and 304, which have no body)
    kChunked,    ///< Transfer-Encoding: chunked
    kUntilClose  ///< neither: the end of the connection is the end of the body
  };
  int status = 200;
  std::string_view date;          ///< IMF-fixdate
  std::string_view content_type;  ///< "" leaves the field out
  std::string_view fields;        ///< whole further lines, each ended by CRLF
  Body body = Body::kLength;
  std::uint64_t length = 0;
  /// The Connection field: "close", "keep-alive" (for an HTTP/1.0 client that asked), or "" to leave it out.
  std::string_view connection;
};

/// True when one of these header lines begins with `name`, in any case, and a colon.
[[nodiscard]] bool has_field(std::string_view lines, std::string_view name) noexcept;

/// Appends the head with its last empty line to `out`.
void append_reply_head(const ReplyHead& head, std::string& out);

/// Appends the line before a chunk of `size` bytes; `size` 0 is the end of the body, with its empty line.
void append_chunk_header(std::size_t size, std::string& out);

/// The interim reply that a client with Expect: 100-continue waits for (RFC 9110 section 15.2.1).
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// True for the statuses whose replies never have a body (RFC 9110 section 6.4.1).
[[nodiscard]] constexpr bool is_bodiless(int status) noexcept {
  return status == 204 || status == 304;
}

}  // namespace httpd::http
