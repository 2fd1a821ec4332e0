// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_ticket_key.h"

#include <algorithm>
#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <new>

#include "net/tls_file.h"

namespace httpd::net {
namespace {

constexpr std::string_view kParameter = "tls_ticket_key_file";

[[noreturn]] void fail(const std::string& file, std::string_view why) {
  throw TlsError(fmt::format("{0} \"{1}\" {2}: this makes one: (umask 077; openssl rand -out '{1}' {3})",
                             kParameter, file, why, TlsTicketKey::kSize));
}

}  // namespace

TlsTicketKey::TlsTicketKey() {
  gnutls_datum_t key{};
  if (::gnutls_session_ticket_key_generate(&key) < 0) throw std::bad_alloc();
  const struct Wiped {
    gnutls_datum_t& key;
    ~Wiped() {
      ::gnutls_memset(key.data, 0, key.size);
      ::gnutls_free(key.data);
    }
  } wiped{key};
  bytes_.assign(key.data, key.data + key.size);
}

TlsTicketKey::TlsTicketKey(const std::string& file, bool check_permissions, const std::string& ciphers) {
  const TlsFile secret(kParameter, file, check_permissions);
  const std::string_view key = secret.bytes();
  if (key.size() != kSize) fail(file, fmt::format("has {} bytes, and a key has {}", key.size(), kSize));
  // As files are after a crash, or where something that writes them went wrong.
  if (std::ranges::all_of(key, [&key](char byte) { return byte == key[0]; }))
    fail(file, "is no key: all its bytes are the same");
  bytes_.resize(kSize);
  if (::gnutls_hmac_fast(GNUTLS_MAC_SHA512, key.data(), key.size(), ciphers.data(), ciphers.size(),
                         bytes_.data()) < 0)
    throw std::bad_alloc();
}

}  // namespace httpd::net
