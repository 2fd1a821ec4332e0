// Who may come in: the auth_* parameters, and the decision about each request.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/parser.h"
#include "http/refusal.h"

namespace httpd::server {

/// As the lines of the configuration give them.
struct AccessSettings {
  std::string realm = "OpenSIPS MI";
  std::string username;
  std::string password;
  bool username_given = false;  ///< a line of the configuration sets it
  bool password_given = false;  ///< likewise

  /// True when requests need credentials.
  [[nodiscard]] bool configured() const noexcept { return username_given; }
};

/// Throws ConfigError when the settings say neither that credentials are needed, nor that they are not.
void check_access(const AccessSettings& settings);

/// Compares credentials so that the time it takes tells nothing of what is right about them.
class Access {
 public:
  /// check_access() has passed `settings`.
  explicit Access(const AccessSettings& settings);

  /// kNone when the request may go on. Throws std::bad_alloc.
  [[nodiscard]] http::Refusal decide(const http::RequestHead& head) const;
  /// The value of WWW-Authenticate for those who may not (RFC 9110 section 11.6.1).
  [[nodiscard]] const std::string& challenge() const noexcept { return challenge_; }

 private:
  using Digest = std::array<std::uint8_t, 32>;
  [[nodiscard]] static Digest digest(std::string_view text) noexcept;

  bool needed_;
  Digest username_;
  Digest password_;
  std::string challenge_;
};

}  // namespace httpd::server
