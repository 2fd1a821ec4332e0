// GnuTLS priority strings: which versions, ciphers, groups and signatures are on offer.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "net/tls_error.h"

struct gnutls_priority_st;

namespace httpd::net {

/// A priority string that was read and found fit to protect anything.
class TlsPriority {
 public:
  /// Takes whatever `gnutls-cli -l --priority` takes, but for strings that allow a NULL cipher or an
  /// anonymous key exchange, and those that leave no version of TLS. Throws TlsError, which names the place
  /// in the string.
  explicit TlsPriority(std::string text);
  ~TlsPriority();
  TlsPriority(const TlsPriority&) = delete;
  TlsPriority& operator=(const TlsPriority&) = delete;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] gnutls_priority_st* get() const noexcept { return priority_; }
  /// False when clients whose only elliptic curve is P-256 (secp256r1) find no curve in common.
  [[nodiscard]] bool offers_p256() const noexcept;
  /// What takes out the groups that are so slow that a few clients can keep a server busy, to be appended to
  /// the string; "" where no client can make use of them. `with_rsa` says that a certificate has an RSA key.
  [[nodiscard]] std::string without_slow_groups(bool with_rsa) const;

 private:
  void check() const;
  [[noreturn]] void fail(std::string_view why) const;

  std::string text_;
  gnutls_priority_st* priority_ = nullptr;
};

}  // namespace httpd::net
