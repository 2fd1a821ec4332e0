// The files with users and tokens: auth_file and auth_token_file.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "net/secret_file.h"

namespace httpd::server {

/// A line "NAME:SECRET".
struct CredentialLine {
  std::string_view name;
  std::string_view secret;
};

/// A file of such lines; empty ones and those that begin with '#' are passed over.
class CredentialFile {
 public:
  static constexpr std::size_t kMaxLines = 10'000;
  static constexpr std::size_t kMaxName = 255;

  enum class Kind : char {
    kPasswords,  ///< as htpasswd(1) writes them: bcrypt, SHA-512-crypt or yescrypt
    kTokens,     ///< bearer tokens (RFC 6750), in clear, of at least kMinToken characters
  };
  static constexpr std::size_t kMinToken = 16;

  /// Throws ConfigError, which names the file and the line, and shows nothing of it but the name.
  CredentialFile(Kind kind, const std::string& path);
  /// In their order, no two with the same name. Views into the file's bytes.
  [[nodiscard]] const std::vector<CredentialLine>& lines() const noexcept { return lines_; }

 private:
  void read(Kind kind, const std::string& path);
  net::SecretFile file_;
  std::vector<CredentialLine> lines_;
};

/// True for what crypt(3) makes of a password by a method that is slow on purpose, and whole: `why` says what
/// is wrong with any other. The methods: bcrypt ($2a$, $2b$, $2y$; cost 4 to 15), SHA-512-crypt ($6$; at most
/// 500,000 rounds), yescrypt ($y$; at most 64 MiB).
[[nodiscard]] bool is_good_hash(std::string_view hash, std::string& why);

}  // namespace httpd::server
