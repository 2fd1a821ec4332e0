// Sessions: their beginning and their end. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_stream.h"

#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <new>
#include <sys/socket.h>

#include "net/tls_error.h"
#include "net/tls_memory.h"
#include "net/tls_x509.h"

namespace httpd::net {
namespace {

constexpr int kHandshakeRecord = 22;  // the first byte of every TLS connection (RFC 8446 section 5.1)
constexpr int kMaxRounds = 64;        // of a handshake in one go: more than any honest one takes

/// The first byte of an HTTP request: a method, or the empty line that may come before it.
constexpr bool may_begin_http(int byte) noexcept {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '\r' || byte == '\n';
}

gnutls_datum_t datum(std::string_view bytes) noexcept {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
          static_cast<unsigned int>(bytes.size())};
}

using Name = std::array<char, 256>;  // a DNS name has 255 characters at most

/// The name that the client asked for (RFC 6066 section 3), with a NUL behind it; "" when it named none.
Name server_name(gnutls_session_t session) noexcept {
  Name name{};
  std::size_t size = name.size();
  unsigned int type = 0;
  if (::gnutls_server_name_get(session, name.data(), &size, &type, 0) != GNUTLS_E_SUCCESS ||
      type != GNUTLS_NAME_DNS)
    name[0] = '\0';
  return name;
}

/// The certificate that the client showed.
class PeerCertificate {
 public:
  explicit PeerCertificate(gnutls_session_t session) noexcept {
    unsigned int size = 0;
    const gnutls_datum_t* const list = ::gnutls_certificate_get_peers(session, &size);
    if (list == nullptr || size == 0 || ::gnutls_x509_crt_init(&certificate_) < 0) return;
    if (::gnutls_x509_crt_import(certificate_, list, GNUTLS_X509_FMT_DER) == 0) return;
    ::gnutls_x509_crt_deinit(certificate_);
    certificate_ = nullptr;
  }
  ~PeerCertificate() {
    if (certificate_ != nullptr) ::gnutls_x509_crt_deinit(certificate_);
  }
  PeerCertificate(const PeerCertificate&) = delete;
  PeerCertificate& operator=(const PeerCertificate&) = delete;
  [[nodiscard]] gnutls_x509_crt_t get() const noexcept { return certificate_; }

 private:
  gnutls_x509_crt_t certificate_ = nullptr;
};

}  // namespace

TlsStream::TlsStream(UniqueFd fd, std::shared_ptr<const TlsCredentials> credentials, TlsBuffers& buffers,
                     std::string_view ticket_key, unsigned int ticket_lifetime)
    : credentials_(std::move(credentials)), transport_(std::move(fd), buffers) {
  // Sessions are not taken up where clients show certificates: those are to be looked at each time.
  const bool tickets = !ticket_key.empty() && credentials_->verify_client() == TlsVerifyClient::kNone;
  unsigned int flags = GNUTLS_SERVER | GNUTLS_NONBLOCK;
  if (!tickets) flags |= GNUTLS_NO_TICKETS;
  if (::gnutls_init(&session_, flags) < 0) throw std::bad_alloc();
  ::gnutls_session_set_ptr(session_, this);
  ::gnutls_transport_set_ptr(session_, this);
  ::gnutls_transport_set_pull_function(session_, pull);
  ::gnutls_transport_set_push_function(session_, push);
  ::gnutls_handshake_set_timeout(session_, GNUTLS_INDEFINITE_TIMEOUT);  // the connection has a timer for it
  // RFC 7301: clients that name protocols, but not ours, are told so.
  const std::array<gnutls_datum_t, 2> protocols{datum("http/1.1"), datum("http/1.0")};
  bool good =
      ::gnutls_priority_set(session_, credentials_->priority().get()) >= 0 &&
      ::gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_->get()) >= 0 &&
      ::gnutls_alpn_set_protocols(session_, protocols.data(), protocols.size(), GNUTLS_ALPN_MANDATORY) >= 0;
  if (good && tickets) {
    const gnutls_datum_t key = datum(ticket_key);
    ::gnutls_db_set_cache_expiration(session_, static_cast<int>(ticket_lifetime));
    good = ::gnutls_session_ticket_enable_server(session_, &key) >= 0;
  }
  if (!good) {
    ::gnutls_deinit(session_);
    throw std::bad_alloc();
  }
  ::gnutls_handshake_set_post_client_hello_function(session_, choose_certificate);
  if (credentials_->verify_client() != TlsVerifyClient::kNone) {
    ::gnutls_certificate_server_set_request(
        session_, credentials_->verify_client() == TlsVerifyClient::kRequire ? GNUTLS_CERT_REQUIRE
                                                                             : GNUTLS_CERT_REQUEST);
    ::gnutls_session_set_verify_function(session_, verify);
  }
}

TlsStream::~TlsStream() {
  ::gnutls_deinit(session_);
}

ssize_t TlsStream::pull(void* self, void* buffer, std::size_t size) {
  auto& stream = *static_cast<TlsStream*>(self);
  int error = 0;
  const ssize_t count = stream.transport_.pull(static_cast<char*>(buffer), size, error);
  if (count < 0) ::gnutls_transport_set_errno(stream.session_, error);
  return count;
}

ssize_t TlsStream::push(void* self, const void* bytes, std::size_t size) {
  auto& stream = *static_cast<TlsStream*>(self);
  const ssize_t count = stream.transport_.push(static_cast<const char*>(bytes), size);
  if (count < 0) ::gnutls_transport_set_errno(stream.session_, ENOMEM);
  return count;
}

/// Called by GnuTLS in the handshake, once the client's hello is there.
int TlsStream::choose_certificate(gnutls_session_t session) {
  const auto& stream = *static_cast<const TlsStream*>(::gnutls_session_get_ptr(session));
  const Name name = server_name(session);
  if (name[0] == '\0') return 0;
  return ::gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, stream.credentials_->get(name.data()));
}

/// Called by GnuTLS in the handshake, once the client's certificates are there.
int TlsStream::verify(gnutls_session_t session) {
  auto& stream = *static_cast<TlsStream*>(::gnutls_session_get_ptr(session));
  const PeerCertificate certificate(session);
  if (certificate.get() == nullptr)
    return stream.credentials_->verify_client() == TlsVerifyClient::kRequire ? GNUTLS_E_NO_CERTIFICATE_FOUND
                                                                             : 0;
  gnutls_typed_vdata_st purpose{};
  purpose.type = GNUTLS_DT_KEY_PURPOSE_OID;
  purpose.data = reinterpret_cast<unsigned char*>(const_cast<char*>(GNUTLS_KP_TLS_WWW_CLIENT));
  unsigned int status = 0;
  if (const int code = ::gnutls_certificate_verify_peers(session, &purpose, 1, &status); code < 0)
    return code;
  if (status == 0) return 0;
  try {
    stream.verification_ = "certificate of " + x509_subject(certificate.get());
    gnutls_datum_t text{};
    if (::gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0) {
      stream.verification_ += fmt::format(": {}", reinterpret_cast<const char*>(text.data));
      stream.verification_.erase(stream.verification_.find_last_not_of(". ") + 1);
      ::gnutls_free(text.data);
    }
  } catch (const std::exception&) {
    stream.verification_.clear();
  }
  return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

TlsStream::Handshake TlsStream::handshake() noexcept {
  const TlsTransport::Call call(transport_);
  if (phase_ == Phase::kNew) {
    const int first = transport_.peek();
    if (first < 0) return transport_.ended() ? Handshake::kHungUp : Handshake::kBlocked;
    if (first != kHandshakeRecord && may_begin_http(first)) {
      phase_ = Phase::kPlain;
      return Handshake::kPlainText;
    }
    phase_ = Phase::kHandshake;
  }
  return shake_hands();
}

TlsStream::Handshake TlsStream::shake_hands() noexcept {
  if (phase_ == Phase::kHandshake) {
    if (!prepare_tls_memory()) return fail(GNUTLS_E_MEMORY_ERROR);
    int code = GNUTLS_E_AGAIN;
    for (int round = 0; round < kMaxRounds; ++round) {
      code = ::gnutls_handshake(session_);
      if (code == GNUTLS_E_SUCCESS || ::gnutls_error_is_fatal(code) != 0) break;
      if (transport_.blocked()) break;
    }
    if (code < 0 && (::gnutls_error_is_fatal(code) != 0 || !transport_.blocked())) return fail(code);
    if (code == GNUTLS_E_SUCCESS) phase_ = Phase::kFlushing;
  }
  if (transport_.flush().state == IoResult::State::kFailed) return Handshake::kHungUp;
  if (phase_ != Phase::kFlushing || transport_.has_unsent()) return Handshake::kBlocked;
  phase_ = Phase::kOpen;
  return Handshake::kDone;
}

TlsStream::Handshake TlsStream::fail(int code) noexcept {
  phase_ = Phase::kFailed;
  error_ = code;
  // Of an end in the middle of a message GnuTLS says many things.
  if (transport_.ended() && code != GNUTLS_E_FATAL_ALERT_RECEIVED) return Handshake::kHungUp;
  ::gnutls_alert_send_appropriate(session_, code);
  transport_.flush();
  return Handshake::kFailed;
}

std::string TlsStream::failure() const {
  std::string text = tls_error_text(error_);
  if (error_ == GNUTLS_E_FATAL_ALERT_RECEIVED)
    if (const char* const name = ::gnutls_alert_get_name(::gnutls_alert_get(session_)); name != nullptr)
      text += fmt::format(" ({})", name);
  if (!verification_.empty()) text += ": " + verification_;
  text += tls_error_advice(error_);
  return text;
}

bool TlsStream::resumed() const noexcept {
  return ::gnutls_session_is_resumed(session_) != 0;
}

TlsFacts TlsStream::facts() const {
  const auto text = [](const char* name) { return std::string_view(name == nullptr ? "" : name); };
  TlsFacts facts;
  facts.version = text(::gnutls_protocol_get_name(::gnutls_protocol_get_version(session_)));
  facts.cipher_suite = text(::gnutls_ciphersuite_get(session_));
  facts.server_name = server_name(session_).data();
  const PeerCertificate certificate(session_);
  if (credentials_->verify_client() != TlsVerifyClient::kNone && certificate.get() != nullptr) {
    facts.client_subject = x509_subject(certificate.get());
    facts.client_issuer = x509_issuer(certificate.get());
    facts.client_serial = x509_serial(certificate.get());
    facts.client_fingerprint = x509_fingerprint(certificate.get());
  }
  return facts;
}

bool TlsStream::end() noexcept {
  const TlsTransport::Call call(transport_);
  // GnuTLS waits for nothing here; in TLS 1.2 the answer to a close_notify need not come (RFC 5246 7.2.1).
  if (phase_ == Phase::kOpen) ::gnutls_bye(session_, GNUTLS_SHUT_WR);
  if (phase_ != Phase::kPlain) phase_ = Phase::kFinished;
  return transport_.flush().state == IoResult::State::kFailed || !transport_.has_unsent();
}

void TlsStream::finish_writing() noexcept {
  ::shutdown(descriptor(), SHUT_WR);
}

}  // namespace httpd::net
