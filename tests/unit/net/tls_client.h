// A TLS client on the other end of a stream, in the same thread, for the tests of TLS. What it would send is
// kept, so that a test can deliver it in pieces of its choice. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cerrno>
#include <gnutls/gnutls.h>
#include <gnutls/ocsp.h>
#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "net/tls_acceptor.h"
#include "net/tls_error.h"
#include "net/tls_stream.h"
#include "net/unique_fd.h"
#include "tls_fixture.h"

namespace httpd::net {

struct TlsClientOptions {
  std::string priority = "NORMAL";
  std::string server_name{};
  std::vector<std::string> protocols{};          ///< for ALPN
  const TestCertificate* certificate = nullptr;  ///< must live as long as the client
  std::string session{};                         ///< to be taken up again: what session() of another one gave
  unsigned int flags = 0;                        ///< more for gnutls_init()
};

inline constexpr const char* kTls12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
inline constexpr const char* kTls13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3";

/// For tests that run in both.
inline std::string version_name(const ::testing::TestParamInfo<const char*>& version) {
  return version.param == std::string_view(kTls12) ? "Tls12" : "Tls13";
}

class TlsClient {
 public:
  explicit TlsClient(UniqueFd fd, const TlsClientOptions& options = {}) : fd_(std::move(fd)) {
    // A certificate is shown whatever authorities the server asks for.
    checked(
        ::gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_FORCE_CLIENT_CERT | options.flags));
    checked(::gnutls_priority_set_direct(session_, options.priority.c_str(), nullptr));
    checked(::gnutls_certificate_allocate_credentials(&credentials_));
    if (options.certificate != nullptr) show(*options.certificate);
    checked(::gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_));
    if (!options.server_name.empty())
      checked(::gnutls_server_name_set(session_, GNUTLS_NAME_DNS, options.server_name.data(),
                                       options.server_name.size()));
    std::vector<std::string> names = options.protocols;
    std::vector<gnutls_datum_t> protocols;
    protocols.reserve(names.size());
    for (std::string& name : names)
      protocols.push_back(
          {reinterpret_cast<unsigned char*>(name.data()), static_cast<unsigned int>(name.size())});
    if (!protocols.empty())
      checked(::gnutls_alpn_set_protocols(session_, protocols.data(),
                                          static_cast<unsigned int>(protocols.size()), 0));
    if (!options.session.empty())
      checked(::gnutls_session_set_data(session_, options.session.data(), options.session.size()));
    ::gnutls_transport_set_ptr(session_, this);
    ::gnutls_transport_set_push_function(session_, push);
    ::gnutls_transport_set_pull_function(session_, pull);
    ::gnutls_transport_set_pull_timeout_function(session_, wait);
  }
  ~TlsClient() {
    ::gnutls_deinit(session_);
    ::gnutls_certificate_free_credentials(credentials_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// Goes on with the handshake; true once it is over, well or not: see code().
  bool handshake() {
    if (over_) return true;
    do
      code_ = ::gnutls_handshake(session_);
    while (code_ == GNUTLS_E_WARNING_ALERT_RECEIVED && !secure_);
    secure_ = secure_ || code_ == GNUTLS_E_SUCCESS;
    over_ = code_ == GNUTLS_E_SUCCESS || ::gnutls_error_is_fatal(code_) != 0;
    return over_;
  }
  /// Encrypts a record, or more of them, to `output`.
  void write(std::string_view text) {
    ASSERT_EQ(::gnutls_record_send(session_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Encrypts close_notify to `output`.
  void close_notify() { ::gnutls_bye(session_, GNUTLS_SHUT_WR); }
  /// Sends the first `size` bytes of `output`.
  void deliver(std::size_t size = std::string::npos) {
    size = std::min(size, output.size());
    std::size_t done = 0;
    while (done < size) {
      const ssize_t count = ::send(fd_.get(), output.data() + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    output.erase(0, size);
  }
  void send(std::string_view text) {
    write(text);
    deliver();
  }
  /// Sends bytes past TLS.
  void send_raw(std::string_view bytes) {
    ASSERT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// All that has come; code() tells why it stops: GNUTLS_E_AGAIN, 0 for close_notify, or an error.
  std::string read(std::size_t limit = std::string::npos) {
    std::string text;
    std::vector<char> buffer(16384);
    blocked_ = false;
    while (text.size() < limit) {
      const ssize_t count =
          ::gnutls_record_recv(session_, buffer.data(), std::min(buffer.size(), limit - text.size()));
      code_ = static_cast<int>(count);
      if (code_ == GNUTLS_E_AGAIN && !blocked_) continue;  // it was a ticket
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  /// The bytes that have come and that TLS has not looked at.
  std::string read_raw() {
    std::string text;
    std::vector<char> buffer(65536);
    for (ssize_t count = 1; count > 0;) {
      count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
      ended = count == 0;
      reset = count < 0 && errno == ECONNRESET;
    }
    return text;
  }
  /// To be taken up again. After the handshake, and in TLS 1.3 after the tickets have come.
  std::string session() {
    gnutls_datum_t data{};
    checked(::gnutls_session_get_data2(session_, &data));
    return taken(data);
  }
  /// The certificate of the server.
  [[nodiscard]] std::string server_certificate() const {
    unsigned int size = 0;
    const gnutls_datum_t* const list = ::gnutls_certificate_get_peers(session_, &size);
    if (list == nullptr || size == 0) return {};
    return {reinterpret_cast<const char*>(list->data), list->size};
  }
  [[nodiscard]] std::size_t server_chain_length() const {
    unsigned int size = 0;
    return ::gnutls_certificate_get_peers(session_, &size) == nullptr ? 0 : size;
  }
  /// The protocol that ALPN led to.
  [[nodiscard]] std::string protocol() const {
    gnutls_datum_t name{};
    if (::gnutls_alpn_get_selected_protocol(session_, &name) < 0) return {};
    return {reinterpret_cast<const char*>(name.data), name.size};
  }
  [[nodiscard]] bool has_stapled_response() const {
    gnutls_datum_t response{};
    return ::gnutls_ocsp_status_request_get(session_, &response) == GNUTLS_E_SUCCESS;
  }
  [[nodiscard]] gnutls_alert_description_t alert() const { return ::gnutls_alert_get(session_); }
  [[nodiscard]] bool resumed() const { return ::gnutls_session_is_resumed(session_) != 0; }
  [[nodiscard]] gnutls_session_t get() const noexcept { return session_; }
  [[nodiscard]] int code() const noexcept { return code_; }
  [[nodiscard]] bool secure() const noexcept { return secure_; }
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  /// From now on handshake() is about another handshake, inside the session.
  void renegotiate() { over_ = false; }

  std::string output;  ///< what is to be sent
  bool ended = false;  ///< read_raw(): the end of the connection has come
  bool reset = false;  ///< read_raw(): the connection was reset

 private:
  void show(const TestCertificate& certificate) {
    gnutls_x509_crt_t list = certificate.get();
    checked(::gnutls_certificate_set_x509_key(credentials_, &list, 1, certificate.key()));
  }
  static ssize_t push(void* self, const void* bytes, std::size_t size) {
    static_cast<TlsClient*>(self)->output.append(static_cast<const char*>(bytes), size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t pull(void* self, void* buffer, std::size_t size) {
    auto& client = *static_cast<TlsClient*>(self);
    const ssize_t count = ::recv(client.fd_.get(), buffer, size, MSG_DONTWAIT);
    if (count < 0) ::gnutls_transport_set_errno(client.session_, errno);
    client.blocked_ = count < 0;
    return count;
  }
  static int wait(void* self, unsigned int /*milliseconds*/) {
    pollfd waiting{static_cast<TlsClient*>(self)->fd_.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 0);
  }

  UniqueFd fd_;
  gnutls_session_t session_ = nullptr;
  gnutls_certificate_credentials_t credentials_ = nullptr;
  int code_ = 0;
  bool over_ = false;
  bool secure_ = false;
  bool blocked_ = false;  // nothing more has come
};

/// A stream and its client, joined by a pair of sockets.
struct TlsPair {
  using Handshake = TlsStream::Handshake;

  explicit TlsPair(TlsAcceptor& acceptor, const TlsClientOptions& options = {}) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
      throw std::runtime_error("no sockets");
    stream = acceptor.accept(UniqueFd(pair[0]), now);
    client = std::make_unique<TlsClient>(UniqueFd(pair[1]), options);
  }
  /// Does the handshake, the client's messages arriving in pieces of `step` bytes. With `keep_last`, what the
  /// client has to send when it is through stays in its output. True when both are content.
  bool shake_hands(std::size_t step = std::string::npos, bool keep_last = false) {
    for (int round = 0; round < 10; ++round) {
      if (client->handshake() && client->secure() && keep_last) return true;
      do {
        client->deliver(step);
        if (state == Handshake::kBlocked) state = stream->handshake();
      } while (!client->output.empty());
      if (state != Handshake::kBlocked && client->handshake()) break;
    }
    return state == Handshake::kDone && client->secure();
  }
  /// All that the stream has now; `result` is what it said last.
  std::string read(std::size_t size = 65536) {
    std::string text;
    std::vector<char> buffer(size);
    for (;;) {
      result = stream->read(buffer.data(), buffer.size());
      if (result.state != IoResult::State::kDone) return text;
      EXPECT_GE(result.bytes, 1U);
      EXPECT_LE(result.bytes, size);
      text.append(buffer.data(), result.bytes);
    }
  }
  IoResult write(std::string text) {
    const iovec piece{text.data(), text.size()};
    return stream->write(std::span(&piece, 1));
  }

  TimePoint now{};
  std::unique_ptr<TlsStream> stream;
  std::unique_ptr<TlsClient> client;
  Handshake state = Handshake::kBlocked;
  IoResult result{IoResult::State::kBlocked};
};

/// For tests that look at what settings come to.
class TlsServingTest : public ::testing::Test {
 protected:
  TlsServingTest() { options.ciphers = TlsOptions::kSuggestedCiphers; }

  void use(const TestCertificate& certificate) {
    options.certificates = {folder.write(certificate, "server")};
  }
  std::shared_ptr<const TlsCredentials> load() {
    warnings.clear();
    return TlsCredentials::load(options, warnings);
  }
  /// Why they cannot be loaded; "" when they can.
  std::string refusal() {
    try {
      load();
    } catch (const TlsError& error) {
      return error.what();
    }
    return {};
  }
  /// Whether a client can connect, to this certificate.
  testing::AssertionResult serves(const TestCertificate& certificate, const TlsClientOptions& client = {}) {
    TlsAcceptor acceptor(load(), std::chrono::seconds(0));
    TlsPair pair(acceptor, client);
    if (!pair.shake_hands()) return testing::AssertionFailure() << pair.stream->failure();
    if (pair.client->server_certificate() != certificate.der())
      return testing::AssertionFailure() << "another certificate";
    stapled = pair.client->has_stapled_response();
    chain_length = pair.client->server_chain_length();
    return testing::AssertionSuccess();
  }

  TemporaryFolder folder;
  TlsOptions options;
  std::vector<std::string> warnings;
  // What the last client saw.
  bool stapled = false;
  std::size_t chain_length = 0;
};

}  // namespace httpd::net
