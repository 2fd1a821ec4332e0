// What goes wrong with TLS, in words. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace httpd::net {

/// TLS cannot be had as it was asked for. The text names the file, or the place in the priority string, and
/// what to do.
class TlsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// GnuTLS's words for an error code, fit to be followed by others: without a full stop.
[[nodiscard]] std::string tls_error_text(int code);

/// What to follow the words for a failed handshake with: which parameter it depends on; "" where on none.
[[nodiscard]] std::string_view tls_error_advice(int code) noexcept;

}  // namespace httpd::net
