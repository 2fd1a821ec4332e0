// The limits that the message parser keeps. Each has a parameter of the same name (docs/ADMIN.md).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <limits>

namespace httpd::http {

/// Sizes in bytes. A message that exceeds one is refused with the status in brackets.
struct Limits {
  std::size_t max_uri_size = 8192;          ///< the request target [414]
  std::size_t max_header_size = 16384;      ///< the header section: all field lines with their CR LF [431]
  std::size_t max_header_fields = 100;      ///< field lines in the header section [431]
  std::size_t max_trailer_size = 4096;      ///< the trailer section, counted likewise [431]
  std::size_t max_trailer_fields = 20;      ///< field lines in the trailer section [431]
  std::size_t receive_buf_size = 1024;      ///< a body that is not a form [413]
  std::size_t post_buf_size = 1024;         ///< one key and its value in a form, together, decoded [413]
  std::size_t max_form_size = 1024 * 1024;  ///< the body of a form [413]
  std::size_t max_form_fields = 1000;       ///< key-value pairs of a form [413], and of a query [414]
  std::size_t max_chunk_extension_size = 1024;  ///< the chunk extensions of a body, all together [413]
};

/// Limits that nothing exceeds, for messages that another process has let through by limits of its own.
[[nodiscard]] constexpr Limits no_limits() noexcept {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max() / 2;
  return {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone};
}

}  // namespace httpd::http
