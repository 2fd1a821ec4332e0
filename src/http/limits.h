// The limits that the message parser keeps. Each has a parameter of the same name (docs/ADMIN.md).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

namespace httpd::http {

/// Sizes in bytes. A message that exceeds one is refused with the status in brackets.
struct Limits {
  std::size_t max_uri_size = 8192;  ///< the request target [414]
  std::size_t max_header_size =
      16384;  ///< request line and header section together; also a trailer section [431]
  std::size_t max_header_fields = 100;      ///< field lines in the header section [431]
  std::size_t receive_buf_size = 1024;      ///< a body that is not a form [413]
  std::size_t post_buf_size = 1024;         ///< one key and its value in a form, together, decoded [413]
  std::size_t max_form_size = 1024 * 1024;  ///< the body of a form [413]
};

}  // namespace httpd::http
