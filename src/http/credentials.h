// The authentication schemes Basic (RFC 7617) and Bearer (RFC 6750).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace httpd::http {

struct BasicCredentials {
  std::string_view user;  ///< without ':'
  std::string_view password;
};

/// The credentials in the value of an Authorization field, as views of `decoded`, which holds a password
/// then: wipe() it after use. Nothing when the scheme is another one, the base64 text is malformed (RFC 4648
/// section 4; padding is needed), or there is no ':' or a control character in it.
[[nodiscard]] std::optional<BasicCredentials> parse_basic_credentials(std::string_view value,
                                                                      std::string& decoded);

/// The token in the value of an Authorization field (RFC 6750 section 2.1), a view of it; nothing when the
/// scheme is another one, or what follows is no token.
[[nodiscard]] std::optional<std::string_view> parse_bearer_token(std::string_view value) noexcept;

/// True for a token that Bearer can carry: letters, digits and "-._~+/", then '='.
[[nodiscard]] bool is_bearer_token(std::string_view text) noexcept;

/// The value of a WWW-Authenticate field that asks for credentials of `realm`, which is printable.
[[nodiscard]] std::string basic_challenge(std::string_view realm);
/// The same for a bearer token.
[[nodiscard]] std::string bearer_challenge(std::string_view realm);

}  // namespace httpd::http
