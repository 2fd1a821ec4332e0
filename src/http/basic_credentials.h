// The Basic authentication scheme (RFC 7617). SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace httpd::http {

struct BasicCredentials {
  std::string user;  ///< without ':'
  std::string password;
};

/// The credentials in the value of an Authorization field. Nothing when the scheme is another one, the base64
/// text is malformed (RFC 4648 section 4; padding is needed), or there is no ':' or a control character in
/// it.
[[nodiscard]] std::optional<BasicCredentials> parse_basic_credentials(std::string_view value);

/// The value of a WWW-Authenticate field that asks for credentials of `realm`, which is printable.
[[nodiscard]] std::string basic_challenge(std::string_view realm);

}  // namespace httpd::http
