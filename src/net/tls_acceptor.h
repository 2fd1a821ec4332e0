// Makes TLS streams of accepted sockets. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <memory>

#include "net/timer_wheel.h"
#include "net/tls_credentials.h"
#include "net/tls_stream.h"

namespace httpd::net {

/// The server's key for session tickets (RFC 5077, RFC 8446 section 4.6.1). GnuTLS derives from it, by the
/// clock, the keys that really encrypt: a new one every three ticket lifetimes, the one before it still good.
class TlsTicketKey {
 public:
  /// Throws std::bad_alloc.
  TlsTicketKey();
  ~TlsTicketKey();
  TlsTicketKey(const TlsTicketKey&) = delete;
  TlsTicketKey& operator=(const TlsTicketKey&) = delete;
  [[nodiscard]] std::string_view bytes() const noexcept;

 private:
  unsigned char* data_ = nullptr;
  unsigned int size_ = 0;
};

/// The TLS side of a server; one for each event loop.
class TlsAcceptor {
 public:
  /// How long a ticket key is used at most: who steals it from memory reads no session older than that.
  static constexpr Duration kTicketKeyAge = std::chrono::hours(24);

  /// `ticket_lifetime` is TlsOptions's.
  TlsAcceptor(std::shared_ptr<const TlsCredentials> credentials, std::chrono::seconds ticket_lifetime);

  /// A stream whose handshake is to begin. It uses this object's buffers, and so must not outlive it.
  /// Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<TlsStream> accept(UniqueFd fd, TimePoint now);
  /// From now on handshakes are done with `credentials`, and no session from before is taken up again.
  void replace(std::shared_ptr<const TlsCredentials> credentials,
               std::chrono::seconds ticket_lifetime) noexcept;
  [[nodiscard]] const TlsCredentials& credentials() const noexcept { return *credentials_; }

 private:
  std::shared_ptr<const TlsCredentials> credentials_;  // shared with the sessions that began with them
  std::chrono::seconds ticket_lifetime_;
  TlsBuffers buffers_;
  std::unique_ptr<TlsTicketKey> ticket_key_;
  TimePoint key_made_{};
};

}  // namespace httpd::net
