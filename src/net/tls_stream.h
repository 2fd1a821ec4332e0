// TLS over a connected socket, the server's side (RFC 5246, RFC 8446).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/stream.h"
#include "net/tls_credentials.h"
#include "net/tls_transport.h"

struct gnutls_session_int;

namespace httpd::net {

/// What was agreed on in a handshake, and with whom.
struct TlsFacts {
  std::string_view version;        ///< "TLS1.2"; static storage
  std::string cipher_suite;        ///< as IANA names it: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
  std::string server_name;         ///< the name that the client asked for (SNI); "" for none
  std::string client_subject;      ///< of the client's verified certificate (RFC 4514); "" without one
  std::string client_issuer;       ///< the authority that issued it
  std::string client_serial;       ///< hexadecimal
  std::string client_fingerprint;  ///< SHA-256, hexadecimal
};

/// A TLS session. Until handshake() says kDone nothing else may be called but abort() and end().
class TlsStream final : public Stream {
 public:
  enum class Handshake : char {
    kDone,       ///< read and write
    kBlocked,    ///< an event will tell when to call it again
    kPlainText,  ///< the client does not speak TLS, but perhaps HTTP: from now on this stream is plain
    kFailed,     ///< failure() says why; the client was told, and may be given time to read it
    kHungUp,     ///< the client went away
  };

  /// `buffers` must outlive the stream. `ticket_key` (the bytes of a TlsTicketKey, or nothing) is used in
  /// here alone. Throws std::bad_alloc.
  TlsStream(UniqueFd fd, std::shared_ptr<const TlsCredentials> credentials, TlsBuffers& buffers,
            std::string_view ticket_key, unsigned int ticket_lifetime);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// Goes on with the handshake.
  Handshake handshake() noexcept;
  /// Whether handshake() has found anything from the client.
  [[nodiscard]] bool has_begun() const noexcept { return phase_ != Phase::kNew; }
  /// Why the handshake failed.
  [[nodiscard]] std::string failure() const;
  /// After the handshake: true when it took up an earlier session.
  [[nodiscard]] bool resumed() const noexcept;
  [[nodiscard]] TlsFacts facts() const;

  [[nodiscard]] int descriptor() const noexcept override { return transport_.descriptor(); }
  /// kEnd is a client that said so (close_notify); one that only stopped gives kFailed, since somebody else
  /// may have cut what it sent (RFC 8446 section 6.1).
  IoResult read(char* buffer, std::size_t size) noexcept override;
  IoResult write(std::span<const iovec> pieces) noexcept override;
  IoResult send_file(const FilePart& part) noexcept override;
  bool end() noexcept override;
  void finish_writing() noexcept override;
  [[nodiscard]] TlsStream* tls() noexcept override { return this; }

 private:
  enum class Phase : char { kNew, kHandshake, kFlushing, kOpen, kPlain, kFinished, kFailed };

  static ssize_t pull(void* self, void* buffer, std::size_t size);
  static ssize_t push(void* self, const void* bytes, std::size_t size);
  static int choose_certificate(gnutls_session_int* session);
  static int verify(gnutls_session_int* session);

  Handshake shake_hands() noexcept;
  Handshake fail(int code) noexcept;
  IoResult read_records(char* buffer, std::size_t size) noexcept;
  bool refuse_renegotiation() noexcept;
  IoResult write_records(std::span<const iovec> pieces) noexcept;

  gnutls_session_int* session_ = nullptr;
  std::shared_ptr<const TlsCredentials>
      credentials_;  // a reload must not pull them away from under a session
  TlsTransport transport_;
  std::size_t held_ = 0;      // plain bytes that were encrypted, but not reported as written
  std::string verification_;  // what is wrong with the client's certificate
  int error_ = 0;             // GnuTLS's code for the failure
  std::uint8_t renegotiations_ = 0;
  bool input_ended_ = false;  // the client said so
  Phase phase_ = Phase::kNew;
};

}  // namespace httpd::net
