// A client's TLS connection that makes requests and checks every reply, for the loads over TLS.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <openssl/ssl.h>
#include <optional>
#include <string>
#include <string_view>

#include "client.h"

namespace bench {

/// A Failure with what OpenSSL, or else the system, says of the last call.
[[noreturn]] void fail_tls(const char* what);

struct Free {
  void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
  void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const noexcept { ::SSL_SESSION_free(session); }
  void operator()(EVP_PKEY* key) const noexcept { ::EVP_PKEY_free(key); }
};

template <typename T>
using Owned = std::unique_ptr<T, Free>;

/// What is asked for, again and again.
struct Order {
  std::string request;
  std::size_t body_size;  ///< of the reply, in bytes

  /// With `last` the request says that it is the connection's last one.
  Order(std::string_view path, std::size_t size, bool last);
};

/// Makes the handshake on a connection, and asks once; ask() does so again. All of it throws Failure when
/// anything is not as it should be.
class Connection {
 public:
  /// `order` must outlive the connection. `session` is the one to take up again, or null; it is not changed.
  Connection(SSL_CTX& context, Descriptor socket, const Order& order, SSL_SESSION* session);

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

  /// Goes on as far as the socket lets it. True: a reply has been read to its end.
  bool advance();

  /// Sends the request once more; the reply to the one before must have been read.
  void ask();

  /// From now on counts the records that come. They are seen as they are on the wire, so this is for one
  /// reply behind a first one, with which tickets may have come.
  void count_records();
  [[nodiscard]] std::size_t records() const noexcept { return records_; }

  /// Says goodbye; all replies must have been read. Without it OpenSSL takes the session for broken.
  void close() { ::SSL_shutdown(ssl_.get()); }

  /// Whether the handshake took up the session that was given.
  [[nodiscard]] bool resumed() const { return ::SSL_session_reused(ssl_.get()) == 1; }

  /// Version, cipher suite, and the group of the key exchange where there was one.
  [[nodiscard]] std::string negotiated() const;

 private:
  void check_waiting(int result, const char* failure) const;
  void take(std::string_view bytes);

  const Order& order_;
  Descriptor socket_;
  Owned<SSL> ssl_;
  bool connected_ = false;
  std::size_t records_ = 0;
  std::string head_;
  std::optional<std::size_t> missing_;  // of the body; none: the head is not there yet
};

}  // namespace bench
