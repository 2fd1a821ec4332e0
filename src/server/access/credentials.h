// Whose credentials are good: the auth_* parameters, and the files that they name.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/secret_memory.h"
#include "server/access/credential_files.h"

namespace httpd::server {

/// As the lines of the configuration give them.
struct AuthSettings {
  std::string realm = "OpenSIPS MI";
  std::string username;
  net::SecretBytes password;
  bool username_given = false;  ///< a line of the configuration sets it
  bool password_given = false;  ///< likewise
  std::string file;             ///< of users, as htpasswd(1) writes it; "" for none
  std::string token_file;       ///< of bearer tokens; "" for none

  /// True when requests need credentials.
  [[nodiscard]] bool configured() const noexcept {
    return username_given || !file.empty() || !token_file.empty();
  }
};

/// Throws ConfigError when the settings say neither that credentials are needed, nor that they are not.
void check_auth(const AuthSettings& settings);

/// All that is to be known about users and tokens, of one reading of the files. Shared by all requests that
/// are checked against it. What is kept of a secret in clear is a keyed digest; key and hashes are in memory
/// for secrets.
class Credentials {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  /// check_auth() has passed `settings`. Throws ConfigError, std::bad_alloc.
  explicit Credentials(const AuthSettings& settings);

  /// The name that a token belongs to; nothing for no token of ours. Takes as long in any case.
  [[nodiscard]] std::optional<std::string_view> who_has_token(std::string_view token) const noexcept;
  /// True for auth_username and auth_password. Takes as long in any case.
  [[nodiscard]] bool is_plain_user(std::string_view user, std::string_view password) const noexcept;
  /// The hash that the password of `user` is to be compared with; for nobody's name that of somebody else, so
  /// that both take as long: `is_known` says which. Nothing without an auth_file. Lives as long as this.
  [[nodiscard]] std::optional<std::string_view> hash_of(std::string_view user, bool& is_known) const noexcept;
  /// A digest of a password and the hash that it was right for.
  [[nodiscard]] Digest digest_of(std::string_view password, std::string_view hash) const noexcept;

  [[nodiscard]] bool have_passwords() const noexcept { return plain_ || passwords_; }
  [[nodiscard]] bool have_tokens() const noexcept { return tokens_.has_value(); }
  /// For people: "1 user and 2 tokens".
  [[nodiscard]] std::string text() const;

 private:
  struct Plain {
    Digest user;
    Digest password;
  };
  struct Token {
    std::string name;
    Digest digest;
  };
  /// Of the parts, one behind the other.
  [[nodiscard]] Digest digest(std::initializer_list<std::string_view> parts) const noexcept;

  net::SecretBytes key_;
  std::optional<Plain> plain_;
  std::optional<CredentialFile> passwords_;
  std::unordered_map<std::string_view, std::string_view> hashes_;  // by user, views into passwords_
  std::optional<std::vector<Token>> tokens_;
};

/// True when both are the same; takes as long for texts of one length, whatever is in them.
[[nodiscard]] bool same_secret(std::string_view one, std::string_view other) noexcept;

/// All files that the settings name.
[[nodiscard]] std::vector<std::string> files_of(const AuthSettings& settings);

}  // namespace httpd::server
