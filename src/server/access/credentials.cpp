// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/credentials.h"

#include <algorithm>
#include <fmt/format.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <sys/random.h>

#include <httpd/module.h>

namespace httpd::server {
namespace {

constexpr std::size_t kKeySize = 32;

net::SecretBytes random_key() {
  net::SecretBytes key(kKeySize);
  // Never in parts for so few bytes.
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    throw ConfigError("the kernel gives no random bytes");
  return key;
}

std::string_view view(const net::SecretBytes& bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

bool same(const Credentials::Digest& one, const Credentials::Digest& other) noexcept {
  return ::memeql_sec(one.data(), other.data(), one.size()) != 0;
}

}  // namespace

void check_auth(const AuthSettings& settings) {
  if (settings.username_given != settings.password_given)
    throw ConfigError(
        std::string("both auth_username and auth_password must be set, or neither; there is no ") +
        (settings.username_given ? "auth_password" : "auth_username"));
  if (settings.username_given && settings.username.empty()) throw ConfigError("auth_username is empty");
}

Credentials::Credentials(const AuthSettings& settings) : key_(random_key()) {
  if (settings.username_given) plain_ = Plain{digest({settings.username}), digest({view(settings.password)})};
  if (!settings.file.empty()) {
    passwords_.emplace(CredentialFile::Kind::kPasswords, settings.file);
    for (const CredentialLine& line : passwords_->lines())
      hashes_.emplace(line.name, line.secret);
    if (settings.username_given && hashes_.contains(settings.username))
      throw ConfigError(fmt::format("the user \"{}\" of auth_username stands in auth_file \"{}\", too",
                                    settings.username, settings.file));
  }
  if (settings.token_file.empty()) return;
  const CredentialFile file(CredentialFile::Kind::kTokens, settings.token_file);
  tokens_.emplace();
  for (const CredentialLine& line : file.lines())
    tokens_->push_back({std::string(line.name), digest({line.secret})});
}

Credentials::Digest Credentials::digest(std::initializer_list<std::string_view> parts) const noexcept {
  Digest result{};
  hmac_sha256_ctx context{};
  ::hmac_sha256_set_key(&context, key_.size(), reinterpret_cast<const std::uint8_t*>(key_.data()));
  for (const std::string_view part : parts)
    ::hmac_sha256_update(&context, part.size(), reinterpret_cast<const std::uint8_t*>(part.data()));
  ::hmac_sha256_digest(&context, result.size(), result.data());
  ::explicit_bzero(&context, sizeof context);  // the key can be got back from it
  return result;
}

Credentials::Digest Credentials::digest_of(std::string_view password, std::string_view hash) const noexcept {
  // No hash has a NUL, so that the two cannot be parted in another place.
  return digest({hash, std::string_view("", 1), password});
}

std::optional<std::string_view> Credentials::who_has_token(std::string_view token) const noexcept {
  std::optional<std::string_view> name;
  if (!tokens_) return name;
  const Digest given = digest({token});
  for (const Token& candidate : *tokens_)
    if (same(candidate.digest, given)) name = candidate.name;
  return name;
}

bool Credentials::is_plain_user(std::string_view user, std::string_view password) const noexcept {
  if (!plain_) return false;
  // Digests are of one length, and both are compared whatever the first comparison says.
  const bool user_is_right = same(digest({user}), plain_->user);
  const bool password_is_right = same(digest({password}), plain_->password);
  return (static_cast<unsigned>(user_is_right) & static_cast<unsigned>(password_is_right)) != 0;
}

std::optional<std::string_view> Credentials::hash_of(std::string_view user, bool& is_known) const noexcept {
  if (!passwords_) return std::nullopt;
  const auto found = hashes_.find(user);
  is_known = found != hashes_.end();
  return is_known ? found->second : passwords_->lines().front().secret;
}

std::string Credentials::text() const {
  const std::size_t users = hashes_.size() + (plain_ ? 1 : 0);
  const std::size_t tokens = tokens_ ? tokens_->size() : 0;
  return fmt::format("{} user{} and {} token{}", users, users == 1 ? "" : "s", tokens,
                     tokens == 1 ? "" : "s");
}

bool same_secret(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && ::memeql_sec(one.data(), other.data(), one.size()) != 0;
}

std::vector<std::string> files_of(const AuthSettings& settings) {
  std::vector<std::string> files;
  for (const std::string& file : {settings.file, settings.token_file})
    if (!file.empty()) files.push_back(file);
  return files;
}

}  // namespace httpd::server
