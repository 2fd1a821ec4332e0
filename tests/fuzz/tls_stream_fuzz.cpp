// Fuzz target: the server's side of TLS. The first byte says whether the rest comes to the server as it is,
// or a real client speaks and the rest says what a man in the middle does to its bytes. Whatever he does, the
// server reads the beginning of what the client wrote, and an end only where the client said so.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "net/tls_acceptor.h"
#include "require.h"

namespace {

using httpd::fuzz::require;
using httpd::net::IoResult;
using httpd::net::TlsStream;

std::string exported(int (*write)(const void*, gnutls_datum_t*), const void* what) {
  gnutls_datum_t text{};
  require(write(what, &text) >= 0);
  std::string result(reinterpret_cast<const char*>(text.data), text.size);
  gnutls_free(text.data);
  return result;
}

std::string file_with(const std::string& text) {
  std::string name = "/tmp/tls_stream_fuzz.XXXXXX";
  const int fd = mkstemp(name.data());
  require(fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(fd);
  return name;
}

std::shared_ptr<const httpd::net::TlsCredentials> make_credentials() {
  gnutls_x509_privkey_t key = nullptr;
  gnutls_x509_crt_t certificate = nullptr;
  require(gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_crt_init(&certificate) == 0);
  require(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                       0) == 0);
  const char serial = 1;
  require(gnutls_x509_crt_set_version(certificate, 3) == 0 &&
          gnutls_x509_crt_set_key(certificate, key) == 0 &&
          gnutls_x509_crt_set_serial(certificate, &serial, 1) == 0 &&
          gnutls_x509_crt_set_activation_time(certificate, time(nullptr) - 60) == 0 &&
          gnutls_x509_crt_set_expiration_time(certificate, time(nullptr) + 1'000'000) == 0 &&
          gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0) == 0);
  const auto export_certificate = [](const void* what, gnutls_datum_t* text) {
    return gnutls_x509_crt_export2(static_cast<gnutls_x509_crt_t>(const_cast<void*>(what)),
                                   GNUTLS_X509_FMT_PEM, text);
  };
  const auto export_key = [](const void* what, gnutls_datum_t* text) {
    return gnutls_x509_privkey_export2(static_cast<gnutls_x509_privkey_t>(const_cast<void*>(what)),
                                       GNUTLS_X509_FMT_PEM, text);
  };
  httpd::net::TlsOptions options;
  options.ciphers = httpd::net::TlsOptions::kSuggestedCiphers;
  options.certificates.push_back(
      {file_with(exported(export_certificate, certificate)), file_with(exported(export_key, key)), ""});
  gnutls_x509_crt_deinit(certificate);
  gnutls_x509_privkey_deinit(key);
  std::vector<std::string> warnings;
  auto credentials = httpd::net::TlsCredentials::load(options, warnings);
  unlink(options.certificates[0].certificate.c_str());
  unlink(options.certificates[0].key.c_str());
  return credentials;
}

/// The server's side: takes bytes, goes on as far as it can, and remembers what it read.
class Server {
 public:
  Server() : acceptor_(credentials(), std::chrono::seconds(60)) {
    std::array<int, 2> pair{};
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) == 0);
    peer_ = httpd::net::UniqueFd(pair[0]);
    stream_ = acceptor_.accept(httpd::net::UniqueFd(pair[1]), httpd::net::TimePoint{});
  }
  void receive(std::string_view bytes) {
    if (!bytes.empty()) static_cast<void>(send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    work();
  }
  void hang_up() {
    shutdown(peer_.get(), SHUT_WR);
    work();
  }
  /// What it has sent since it was last asked.
  std::string take_sent() {
    std::string text;
    std::array<char, 16384> buffer{};
    for (ssize_t count = 0; (count = recv(peer_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
  }
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] bool plain() const { return plain_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] const std::string& read() const { return read_; }

 private:
  static const std::shared_ptr<const httpd::net::TlsCredentials>& credentials() {
    static const auto made = make_credentials();
    return made;
  }
  void work() {
    if (over_) return;
    if (!open_ && !plain_) {
      switch (stream_->handshake()) {
        case TlsStream::Handshake::kDone:
          require(stream_->facts().version.substr(0, 3) == "TLS");
          open_ = true;
          break;
        case TlsStream::Handshake::kPlainText:
          plain_ = true;
          break;
        case TlsStream::Handshake::kFailed:
          require(!stream_->failure().empty());
          stream_->end();
          stream_->finish_writing();
          over_ = true;
          return;
        case TlsStream::Handshake::kHungUp:
          over_ = true;
          return;
        case TlsStream::Handshake::kBlocked:
          return;
      }
    }
    std::array<char, 1000> buffer{};
    for (;;) {
      const IoResult result = stream_->read(buffer.data(), buffer.size());
      require(result.bytes <= buffer.size() &&
              (result.bytes > 0) == (result.state == IoResult::State::kDone));
      read_.append(buffer.data(), result.bytes);
      if (result.state == IoResult::State::kEnd) ended_ = true;
      if (result.state == IoResult::State::kEnd || result.state == IoResult::State::kFailed) over_ = true;
      if (result.state != IoResult::State::kDone) return;
    }
  }

  httpd::net::TlsAcceptor acceptor_;
  httpd::net::UniqueFd peer_;
  std::unique_ptr<TlsStream> stream_;
  std::string read_;
  bool open_ = false;
  bool plain_ = false;
  bool ended_ = false;
  bool over_ = false;
};

void fuzz_raw(std::string_view bytes) {
  Server server;
  const std::size_t step = bytes.empty() ? 1 : 1 + (static_cast<unsigned char>(bytes.front()) & 0x3FU);
  for (std::size_t at = 0; at < bytes.size(); at += step)
    server.receive(bytes.substr(at, step));
  server.hang_up();
  require(!server.open());  // nobody finishes a handshake without a key
  require(!server.plain() || server.read() == bytes);
}

/// A client whose bytes stay here until somebody delivers them.
class Client {
 public:
  explicit Client(bool tls_1_2) {
    require(gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NONBLOCK) == 0);
    require(gnutls_certificate_allocate_credentials(&credentials_) == 0);
    require(gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_) == 0);
    require(gnutls_priority_set_direct(session_, tls_1_2 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL",
                                       nullptr) == 0);
    gnutls_handshake_set_timeout(session_, 0);
    gnutls_transport_set_ptr(session_, this);
    gnutls_transport_set_push_function(session_, [](void* self, const void* bytes, std::size_t size) {
      static_cast<Client*>(self)->sent_.append(static_cast<const char*>(bytes), size);
      return static_cast<ssize_t>(size);
    });
    gnutls_transport_set_pull_function(session_, [](void* self, void* buffer, std::size_t size) -> ssize_t {
      auto& client = *static_cast<Client*>(self);
      if (client.received_.empty()) {
        gnutls_transport_set_errno(client.session_, EAGAIN);
        return -1;
      }
      const std::size_t count = client.received_.copy(static_cast<char*>(buffer), size);
      client.received_.erase(0, count);
      return static_cast<ssize_t>(count);
    });
  }
  ~Client() {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void work(const std::string& received) {
    received_ += received;
    if (!open_) open_ = gnutls_handshake(session_) == 0;
    if (!open_ || said_all_) return;
    said_all_ = true;
    for (const std::string_view text : kTexts)
      gnutls_record_send(session_, text.data(), text.size());
    gnutls_bye(session_, GNUTLS_SHUT_WR);
  }
  std::string take_sent() { return std::exchange(sent_, {}); }

  static constexpr std::array<std::string_view, 3> kTexts{
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", "12345", "6789"};

 private:
  gnutls_session_t session_ = nullptr;
  gnutls_certificate_credentials_t credentials_ = nullptr;
  std::string sent_;
  std::string received_;
  bool open_ = false;
  bool said_all_ = false;
};

/// Does one thing to bytes on their way. True when they arrive as they were.
bool meddle(std::string_view orders, std::string& bytes) {
  if (orders.size() < 3 || bytes.empty()) return true;
  const std::size_t at =
      (static_cast<unsigned char>(orders[1]) * 256U + static_cast<unsigned char>(orders[2])) % bytes.size();
  switch (static_cast<unsigned char>(orders[0]) % 6U) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (orders[0] & 7)));
      return false;
    case 1:
      bytes.erase(at);
      return false;
    case 2:
      bytes.erase(at, 1);
      return false;
    case 3:
      bytes.insert(at, 1, orders[2]);
      return false;
    case 4:
      bytes += bytes.substr(at);
      return false;
    default:
      return true;
  }
}

void fuzz_middle(std::string_view orders, bool tls_1_2) {
  Server server;
  Client client(tls_1_2);
  bool untouched = true;
  for (int round = 0; round < 6; ++round) {
    client.work(server.take_sent());
    std::string bytes = client.take_sent();
    if (!meddle(orders, bytes)) untouched = false;
    orders.remove_prefix(std::min<std::size_t>(orders.size(), 3));
    const std::size_t step =
        orders.empty() ? bytes.size() + 1 : 1U + static_cast<unsigned char>(orders.front());
    for (std::size_t at = 0; at < bytes.size(); at += step)
      server.receive(std::string_view(bytes).substr(at, step));
  }
  server.hang_up();
  std::string whole;
  for (const std::string_view text : Client::kTexts)
    whole += text;
  if (!server.plain()) {
    require(whole.starts_with(server.read()));
    require(!server.ended() || server.read() == whole);
  }
  if (untouched) require(server.ended());
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3U) {
    case 0:
      fuzz_raw(rest);
      break;
    default:
      fuzz_middle(rest, data[0] % 3U == 2);
      break;
  }
  return 0;
}
