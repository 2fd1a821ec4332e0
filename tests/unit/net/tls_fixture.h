// Certificates and keys for the tests of TLS, made while they run. Each is made once in a program, when it is
// first asked for. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "net/tls_credentials.h"
#include "net/tls_options.h"
#include "net/unique_fd.h"

namespace httpd::net {

/// What GnuTLS returned, if that is good.
inline int checked(int code) {
  if (code < 0) throw std::runtime_error(::gnutls_strerror(code));
  return code;
}

/// Takes over memory that GnuTLS allocated.
inline std::string taken(gnutls_datum_t data) {
  std::string bytes(reinterpret_cast<const char*>(data.data), data.size);
  ::gnutls_free(data.data);
  return bytes;
}

enum class KeyKind : char { kP256, kP384, kRsa };
enum class Purpose : char { kAuthority, kServer, kClient };

struct CertificateSpec {
  std::string name;  ///< of the subject: "CN=NAME,O=Example"
  Purpose purpose = Purpose::kServer;
  KeyKind key = KeyKind::kP256;
  std::vector<std::string> names{};     ///< DNS names and IP addresses
  std::chrono::seconds begin{-3600};    ///< from now
  std::chrono::seconds end{24 * 3600};  ///< from now
};

/// A certificate with its key.
class TestCertificate {
 public:
  /// Without `issuer`, which must outlive it, it is signed by its own key.
  explicit TestCertificate(const CertificateSpec& spec, const TestCertificate* issuer = nullptr)
      : issuer_(issuer) {
    make_key(spec.key);
    checked(::gnutls_x509_crt_init(&certificate_));
    checked(::gnutls_x509_crt_set_version(certificate_, 3));
    static unsigned char serial = 0;
    const std::array<unsigned char, 3> serial_bytes{0x0a, 0xbc, ++serial};
    checked(::gnutls_x509_crt_set_serial(certificate_, serial_bytes.data(), serial_bytes.size()));
    const std::string subject = "CN=" + spec.name + ",O=Example";
    checked(::gnutls_x509_crt_set_dn(certificate_, subject.c_str(), nullptr));
    const std::time_t now = std::time(nullptr);
    checked(::gnutls_x509_crt_set_activation_time(certificate_, now + spec.begin.count()));
    checked(::gnutls_x509_crt_set_expiration_time(certificate_, now + spec.end.count()));
    checked(::gnutls_x509_crt_set_key(certificate_, key_));
    for (const std::string& name : spec.names)
      add_name(name);
    set_purpose(spec.purpose);
    const TestCertificate& signer = issuer != nullptr ? *issuer : *this;
    certificate_ = signed_by(signer, certificate_);
  }
  ~TestCertificate() {
    ::gnutls_x509_crt_deinit(certificate_);
    ::gnutls_x509_privkey_deinit(key_);
  }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  /// Signs what was set in `draft`, which is used up, and reads it again: GnuTLS does not see all of a
  /// certificate that it is making.
  static gnutls_x509_crt_t signed_by(const TestCertificate& signer, gnutls_x509_crt_t draft) {
    checked(::gnutls_x509_crt_sign2(draft, signer.certificate_, signer.key_, GNUTLS_DIG_SHA256, 0));
    gnutls_datum_t bytes{};
    checked(::gnutls_x509_crt_export2(draft, GNUTLS_X509_FMT_DER, &bytes));
    ::gnutls_x509_crt_deinit(draft);
    gnutls_x509_crt_t certificate = nullptr;
    checked(::gnutls_x509_crt_init(&certificate));
    checked(::gnutls_x509_crt_import(certificate, &bytes, GNUTLS_X509_FMT_DER));
    ::gnutls_free(bytes.data);
    return certificate;
  }

  [[nodiscard]] gnutls_x509_crt_t get() const noexcept { return certificate_; }
  [[nodiscard]] gnutls_x509_privkey_t key() const noexcept { return key_; }
  [[nodiscard]] std::string pem() const { return exported(GNUTLS_X509_FMT_PEM); }
  [[nodiscard]] std::string der() const { return exported(GNUTLS_X509_FMT_DER); }
  /// PEM of this one and of those above it, without the last, which clients have.
  [[nodiscard]] std::string chain_pem() const {
    std::string text = pem();
    for (const TestCertificate* above = issuer_; above != nullptr && above->issuer_ != nullptr;
         above = above->issuer_)
      text += above->pem();
    return text;
  }
  /// PKCS#8; with a password it is encrypted.
  [[nodiscard]] std::string key_pem(const char* password = nullptr) const {
    gnutls_datum_t data{};
    checked(::gnutls_x509_privkey_export2_pkcs8(key_, GNUTLS_X509_FMT_PEM, password,
                                                password == nullptr
                                                    ? static_cast<unsigned int>(GNUTLS_PKCS_PLAIN)
                                                    : static_cast<unsigned int>(GNUTLS_PKCS_PBES2_AES_256),
                                                &data));
    return taken(data);
  }
  /// "BEGIN RSA PRIVATE KEY", "BEGIN EC PRIVATE KEY".
  [[nodiscard]] std::string traditional_key_pem() const {
    gnutls_datum_t data{};
    checked(::gnutls_x509_privkey_export2(key_, GNUTLS_X509_FMT_PEM, &data));
    return taken(data);
  }

 private:
  void make_key(KeyKind kind) {
    checked(::gnutls_x509_privkey_init(&key_));
    if (kind == KeyKind::kRsa) {
      checked(::gnutls_x509_privkey_generate(key_, GNUTLS_PK_RSA, 2048, 0));
    } else {
      const auto curve = kind == KeyKind::kP256 ? GNUTLS_ECC_CURVE_SECP256R1 : GNUTLS_ECC_CURVE_SECP384R1;
      checked(::gnutls_x509_privkey_generate(key_, GNUTLS_PK_EC, GNUTLS_CURVE_TO_BITS(curve), 0));
    }
  }
  void add_name(const std::string& name) {
    std::array<unsigned char, 16> address{};
    unsigned int size = 0;
    if (::inet_pton(AF_INET, name.c_str(), address.data()) == 1) size = 4;
    if (::inet_pton(AF_INET6, name.c_str(), address.data()) == 1) size = 16;
    if (size > 0) {
      checked(::gnutls_x509_crt_set_subject_alt_name(certificate_, GNUTLS_SAN_IPADDRESS, address.data(), size,
                                                     GNUTLS_FSAN_APPEND));
    } else {
      checked(::gnutls_x509_crt_set_subject_alt_name(certificate_, GNUTLS_SAN_DNSNAME, name.data(),
                                                     static_cast<unsigned int>(name.size()),
                                                     GNUTLS_FSAN_APPEND));
    }
  }
  void set_purpose(Purpose purpose) {
    checked(
        ::gnutls_x509_crt_set_basic_constraints(certificate_, purpose == Purpose::kAuthority ? 1 : 0, -1));
    if (purpose == Purpose::kAuthority) {
      checked(::gnutls_x509_crt_set_key_usage(
          certificate_, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE));
      return;
    }
    checked(::gnutls_x509_crt_set_key_usage(certificate_,
                                            GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT));
    checked(::gnutls_x509_crt_set_key_purpose_oid(
        certificate_, purpose == Purpose::kServer ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0));
  }
  [[nodiscard]] std::string exported(gnutls_x509_crt_fmt_t format) const {
    gnutls_datum_t data{};
    checked(::gnutls_x509_crt_export2(certificate_, format, &data));
    return taken(data);
  }

  gnutls_x509_crt_t certificate_ = nullptr;
  gnutls_x509_privkey_t key_ = nullptr;
  const TestCertificate* issuer_;
};

/// The certificates that tests share.
namespace pki {

inline const TestCertificate& authority() {
  static const TestCertificate kIt({.name = "Test Authority", .purpose = Purpose::kAuthority});
  return kIt;
}
inline const TestCertificate& intermediate() {
  static const TestCertificate kIt({.name = "Test Intermediate", .purpose = Purpose::kAuthority},
                                   &authority());
  return kIt;
}
inline const TestCertificate& foreign_authority() {
  static const TestCertificate kIt({.name = "Foreign Authority", .purpose = Purpose::kAuthority});
  return kIt;
}
inline const TestCertificate& server() {
  static const TestCertificate kIt({.name = "first", .names = {"first.example", "127.0.0.1"}}, &authority());
  return kIt;
}
inline const TestCertificate& second_server() {
  static const TestCertificate kIt({.name = "second", .key = KeyKind::kP384, .names = {"second.example"}},
                                   &authority());
  return kIt;
}
inline const TestCertificate& chained_server() {
  static const TestCertificate kIt({.name = "chained", .names = {"chained.example"}}, &intermediate());
  return kIt;
}
inline const TestCertificate& rsa_server() {
  static const TestCertificate kIt({.name = "rsa", .key = KeyKind::kRsa, .names = {"rsa.example"}},
                                   &authority());
  return kIt;
}
inline const TestCertificate& expired_server() {
  static const TestCertificate kIt({.name = "expired",
                                    .names = {"expired.example"},
                                    .begin = -std::chrono::hours(48),
                                    .end = -std::chrono::hours(24)},
                                   &authority());
  return kIt;
}
inline const TestCertificate& future_server() {
  static const TestCertificate kIt({.name = "future",
                                    .names = {"future.example"},
                                    .begin = std::chrono::hours(24),
                                    .end = std::chrono::hours(48)},
                                   &authority());
  return kIt;
}
inline const TestCertificate& wildcard_server() {
  static const TestCertificate kIt({.name = "wild", .names = {"*.wild.example", "Wild.Example"}},
                                   &authority());
  return kIt;
}
inline const TestCertificate& client() {
  static const TestCertificate kIt({.name = "probe", .purpose = Purpose::kClient}, &authority());
  return kIt;
}
inline const TestCertificate& foreign_client() {
  static const TestCertificate kIt({.name = "stranger", .purpose = Purpose::kClient}, &foreign_authority());
  return kIt;
}
inline const TestCertificate& expired_client() {
  static const TestCertificate kIt({.name = "late",
                                    .purpose = Purpose::kClient,
                                    .begin = -std::chrono::hours(48),
                                    .end = -std::chrono::hours(24)},
                                   &authority());
  return kIt;
}

}  // namespace pki

/// A folder that is removed at the end, with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "tls-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return path_ + '/' + std::string(name); }
  /// Writes a file, or writes it again; returns its path.
  // NOLINTNEXTLINE(modernize-use-nodiscard): who wrote it before knows the path
  std::string write(std::string_view name, std::string_view text, mode_t mode = 0600) const {
    std::string file = path(name);
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fchmod(fd.get(), mode) != 0)
      throw std::runtime_error("cannot write " + file);
    return file;
  }
  /// Writes what the server needs of a certificate.
  [[nodiscard]] TlsCertificateFiles write(const TestCertificate& certificate, const std::string& name) const {
    return {write(name + ".pem", certificate.chain_pem()), write(name + ".key", certificate.key_pem()), {}};
  }

 private:
  std::string path_;
};

/// Credentials with these certificates, loaded from files that are gone afterwards. Unless `options` say
/// otherwise, clients of all kinds can connect.
inline std::shared_ptr<const TlsCredentials> load_credentials(
    const std::vector<const TestCertificate*>& certificates,
    TlsOptions options = {.certificates = {}, .ciphers = TlsOptions::kSuggestedCiphers, .ca_file = {}}) {
  const TemporaryFolder folder;
  for (const TestCertificate* certificate : certificates)
    options.certificates.push_back(folder.write(*certificate, std::to_string(options.certificates.size())));
  if (options.verify_client != TlsVerifyClient::kNone)
    options.ca_file = folder.write("ca.pem", pki::authority().pem());
  std::vector<std::string> warnings;
  return TlsCredentials::load(options, warnings);
}

}  // namespace httpd::net
