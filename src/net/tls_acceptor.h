// Makes TLS streams of accepted sockets. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "net/timer_wheel.h"
#include "net/tls_credentials.h"
#include "net/tls_stream.h"
#include "net/tls_ticket_key.h"

namespace httpd::net {

/// The TLS side of a server; one for each event loop.
class TlsAcceptor {
 public:
  /// How long a ticket key is used at most, but for one that came from a file: who steals it from memory
  /// reads no session older than that.
  static constexpr Duration kTicketKeyAge = std::chrono::hours(24);

  /// `ticket_lifetime` is TlsOptions's.
  TlsAcceptor(std::shared_ptr<const TlsCredentials> credentials, std::chrono::seconds ticket_lifetime);

  /// A stream whose handshake is to begin. It uses this object's buffers, and so must not outlive it.
  /// Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<TlsStream> accept(UniqueFd fd, TimePoint now);
  /// From now on handshakes are done with `credentials`. Sessions from before are taken up again where both
  /// the credentials and those before them have the same ticket key.
  void replace(std::shared_ptr<const TlsCredentials> credentials,
               std::chrono::seconds ticket_lifetime) noexcept;
  [[nodiscard]] const TlsCredentials& credentials() const noexcept { return *credentials_; }

 private:
  [[nodiscard]] std::string_view ticket_key(TimePoint now);

  std::shared_ptr<const TlsCredentials> credentials_;  // shared with the sessions that began with them
  std::chrono::seconds ticket_lifetime_;
  TlsBuffers buffers_;
  std::optional<TlsTicketKey> own_key_;  // where the credentials have none
  TimePoint key_made_{};
};

}  // namespace httpd::net
