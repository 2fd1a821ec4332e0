// What session tickets are encrypted with. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/secret_memory.h"

namespace httpd::net {

/// The server's key for session tickets (RFC 5077, RFC 8446 section 4.6.1). GnuTLS derives from it, by the
/// clock, the keys that really encrypt: a new one every three ticket lifetimes, the one before it still good.
class TlsTicketKey {
 public:
  static constexpr std::size_t kSize = 64;  ///< bytes: all that GnuTLS takes

  /// A random one, that nobody else has. Throws std::bad_alloc.
  TlsTicketKey();
  /// The one that everybody has who reads a file with the same content for the same priority string. The
  /// string has a part in it since GnuTLS, when it takes up a session of TLS 1.2, does not ask whether its
  /// version and cipher are still allowed. With `check_permissions`, a file that others than its owner and
  /// its group may read or write is refused. Throws TlsError, std::bad_alloc.
  TlsTicketKey(const std::string& file, bool check_permissions, const std::string& ciphers);

  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  SecretBytes bytes_;
};

}  // namespace httpd::net
