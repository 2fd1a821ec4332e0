// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/credential_files.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <unordered_map>

#include <httpd/module.h>

#include "http/characters.h"
#include "http/credentials.h"
#include "http/escape.h"

namespace httpd::server {
namespace {

constexpr std::string_view kHint = "make the line anew with: htpasswd -B FILE NAME";
constexpr std::size_t kBcryptSize = 60;
constexpr std::size_t kBcryptCost = 4;    // where its two digits stand
constexpr unsigned kMaxBcryptCost = 15;   // some two seconds
constexpr unsigned kMaxRounds = 500'000;  // likewise, for a long password
constexpr std::size_t kSha512Digest = 86;
constexpr std::size_t kYescryptDigest = 43;
constexpr std::uint64_t kMaxYescryptMemory = std::uint64_t{64} << 20U;

/// The characters of crypt(3)'s base64.
bool is_crypt64(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return http::is_digit(c) || (http::to_lower(c) >= 'a' && http::to_lower(c) <= 'z') || c == '.' ||
           c == '/';
  });
}

bool read_number(std::string_view text, unsigned& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_bcrypt(std::string_view hash, std::string& why) {
  unsigned cost = 0;
  if (hash.size() != kBcryptSize || hash[6] != '$' || !is_crypt64(hash.substr(7)) ||
      !read_number(hash.substr(kBcryptCost, 2), cost)) {
    why = "its bcrypt hash is not whole";
  } else if (cost < 4 || cost > kMaxBcryptCost) {
    why = fmt::format("its bcrypt cost is {}, and 4 to {} are taken", cost, kMaxBcryptCost);
  }
  return why.empty();
}

bool is_sha512(std::string_view hash, std::string& why) {
  constexpr std::string_view kRounds = "rounds=";
  hash.remove_prefix(3);
  if (hash.starts_with(kRounds)) {
    const std::size_t end = std::min(hash.find('$'), hash.size());
    unsigned rounds = 0;
    if (!read_number(hash.substr(kRounds.size(), end - kRounds.size()), rounds) || rounds < 1000 ||
        rounds > kMaxRounds) {
      why = fmt::format("its rounds are not a number from 1000 to {}", kMaxRounds);
      return false;
    }
    hash.remove_prefix(std::min(end + 1, hash.size()));
  }
  const std::size_t dollar = hash.find('$');
  if (dollar == std::string_view::npos || dollar > 16 || hash.size() - dollar - 1 != kSha512Digest ||
      !is_crypt64(hash.substr(dollar + 1)) || !is_crypt64(hash.substr(0, dollar)))
    why = "its SHA-512-crypt hash is not whole";
  return why.empty();
}

/// The number that a single character of yescrypt's parameters stands for, from 1 on; 0 for all that are
/// written with more than one.
unsigned yescrypt_number(char c) noexcept {
  constexpr std::string_view kDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij";
  const std::size_t index = kDigits.find(c);
  return index == std::string_view::npos ? 0 : static_cast<unsigned>(index) + 1;
}

/// "$y$jNR$SALT$DIGEST": 2^N blocks of R times 128 bytes, which is the memory that it takes.
bool is_yescrypt(std::string_view hash, std::string& why) {
  const std::size_t last = hash.rfind('$');
  if (std::ranges::count(hash, '$') != 4 || hash.size() - last - 1 != kYescryptDigest ||
      !std::ranges::all_of(hash, [](char c) { return c == '$' || is_crypt64(std::string_view(&c, 1)); })) {
    why = "its yescrypt hash is not whole";
    return false;
  }
  const unsigned blocks = yescrypt_number(hash[4]);
  const unsigned size = yescrypt_number(hash[5]);
  if (hash[3] != 'j' || hash[6] != '$' || blocks < 10 || blocks > 20 || size == 0 || last < 8 ||
      last > 7 + 86 || (std::uint64_t{128} * size << blocks) > kMaxYescryptMemory)
    why = "its yescrypt hash takes more than 64 MiB or next to nothing, or has parameters that are not known";
  return why.empty();
}

net::SecretFile open(CredentialFile::Kind kind, const std::string& path) {
  const bool tokens = kind == CredentialFile::Kind::kTokens;
  try {
    return {tokens ? "auth_token_file" : "auth_file", path, net::SecretFile::Readers::kGroup};
  } catch (const net::FileError& error) {
    throw ConfigError(error.what());
  }
}

}  // namespace

bool is_good_hash(std::string_view hash, std::string& why) {
  why.clear();
  if (hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$"))
    return is_bcrypt(hash, why);
  if (hash.starts_with("$6$")) return is_sha512(hash, why);
  if (hash.starts_with("$y$")) return is_yescrypt(hash, why);
  why = "its password is neither bcrypt ($2y$), nor SHA-512-crypt ($6$), nor yescrypt ($y$)";
  return false;
}

CredentialFile::CredentialFile(Kind kind, const std::string& path) : file_(open(kind, path)) {
  read(kind, path);
}

void CredentialFile::read(Kind kind, const std::string& path) {
  std::string_view rest = file_.bytes();
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto fail = [&](std::string_view why) {
      throw ConfigError(fmt::format("{} \"{}\", line {}: {}",
                                    kind == Kind::kTokens ? "auth_token_file" : "auth_file", path, number,
                                    why));
    };
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (http::trim_ows(line).empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) fail("has no ':' between a name and what belongs to it");
    const CredentialLine entry{line.substr(0, colon), line.substr(colon + 1)};
    if (entry.name.empty() || entry.name.size() > kMaxName ||
        std::ranges::any_of(entry.name, [](char c) { return !http::is_field_vchar(c) && c != ' '; }))
      fail(fmt::format("has no name of 1 to {} printable characters before its ':'", kMaxName));
    const std::string name = http::escape_for_log(entry.name);
    if (const auto [found, is_new] = seen.emplace(entry.name, number); !is_new)
      fail(fmt::format("\"{}\" stands in line {} already", name, found->second));
    if (lines_.size() == kMaxLines) fail(fmt::format("there are more than {} lines", kMaxLines));
    std::string why;
    if (kind == Kind::kPasswords && !is_good_hash(entry.secret, why))
      fail(fmt::format("\"{}\": {}; {}", name, why, kHint));
    if (kind == Kind::kTokens && (entry.secret.size() < kMinToken || !http::is_bearer_token(entry.secret)))
      fail(
          fmt::format("\"{}\" has no token of at least {} letters, digits and -._~+/; a good one is made by: "
                      "openssl rand -hex 32",
                      name, kMinToken));
    lines_.push_back(entry);
  }
  if (lines_.empty())
    throw ConfigError(fmt::format("{} \"{}\" has no line with a name",
                                  kind == Kind::kTokens ? "auth_token_file" : "auth_file", path));
}

}  // namespace httpd::server
