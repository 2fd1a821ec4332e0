// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <optional>

#include <httpd/module.h>

#include "http/basic_credentials.h"
#include "http/characters.h"

namespace httpd::server {

void check_access(const AccessSettings& settings) {
  if (settings.username_given != settings.password_given)
    throw ConfigError(
        std::string("both auth_username and auth_password must be set, or neither; there is no ") +
        (settings.username_given ? "auth_password" : "auth_username"));
  if (settings.username_given && settings.username.empty()) throw ConfigError("auth_username is empty");
}

Access::Access(const AccessSettings& settings)
    : needed_(settings.configured()),
      username_(digest(settings.username)),
      password_(digest(settings.password)),
      challenge_(http::basic_challenge(settings.realm)) {}

Access::Digest Access::digest(std::string_view text) noexcept {
  Digest result{};
  sha256_ctx context{};
  ::sha256_init(&context);
  ::sha256_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
  ::sha256_digest(&context, result.size(), result.data());
  return result;
}

http::Refusal Access::decide(const http::RequestHead& head) const {
  if (!needed_) return http::Refusal::kNone;
  std::optional<std::string_view> value;
  for (const http::FieldLine& line : head.fields)
    if (http::iequals(line.name, "Authorization")) {
      // Two of them are no list (RFC 9110 section 11.6.2), and a proxy may have looked at the other one.
      if (value) return http::Refusal::kWrongCredentials;
      value = line.value;
    }
  if (!value) return http::Refusal::kNoCredentials;
  const std::optional<http::BasicCredentials> given = http::parse_basic_credentials(*value);
  if (!given) return http::Refusal::kWrongCredentials;
  // Digests are of one length, and both are compared whatever the first comparison says.
  const int user_is_right = ::memeql_sec(digest(given->user).data(), username_.data(), username_.size());
  const int password_is_right =
      ::memeql_sec(digest(given->password).data(), password_.data(), password_.size());
  return (user_is_right & password_is_right) != 0 ? http::Refusal::kNone : http::Refusal::kWrongCredentials;
}

}  // namespace httpd::server
