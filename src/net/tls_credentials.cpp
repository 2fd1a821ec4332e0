// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_credentials.h"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/ocsp.h>
#include <gnutls/x509.h>
#include <limits>

#include "net/tls_file.h"
#include "net/tls_x509.h"

namespace httpd::net {
namespace {

constexpr std::string_view kCertificateParameter = "tls_cert_file";
constexpr std::string_view kKeyParameter = "tls_key_file";
constexpr std::string_view kOcspParameter = "tls_ocsp_file";
constexpr std::string_view kAuthorityParameter = "tls_ca_file";

/// A view as GnuTLS wants it; nothing is ever written to it.
gnutls_datum_t datum(std::string_view bytes) noexcept {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
          static_cast<unsigned int>(bytes.size())};
}

[[noreturn]] void fail(std::string_view parameter, const std::string& file, std::string_view why) {
  throw TlsError(fmt::format("{} \"{}\" {}", parameter, file, why));
}

std::string time_text(std::time_t time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(time));
}

/// The certificates of a file, its own one first.
class Chain {
 public:
  explicit Chain(const std::string& file) {
    const TlsFile text(kCertificateParameter, file, false);
    const gnutls_datum_t bytes = datum(text.bytes());
    const int code = ::gnutls_x509_crt_list_import2(&list_, &size_, &bytes, GNUTLS_X509_FMT_PEM, 0);
    if (code == GNUTLS_E_NO_CERTIFICATE_FOUND)
      fail(kCertificateParameter, file, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
    if (code < 0) fail(kCertificateParameter, file, fmt::format("cannot be used: {}", tls_error_text(code)));
  }
  ~Chain() {
    for (unsigned int i = 0; i < size_; ++i)
      ::gnutls_x509_crt_deinit(list_[i]);
    ::gnutls_free(list_);
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  [[nodiscard]] gnutls_x509_crt_t* list() const noexcept { return list_; }
  [[nodiscard]] unsigned int size() const noexcept { return size_; }

 private:
  gnutls_x509_crt_t* list_ = nullptr;
  unsigned int size_ = 0;
};

/// A private key. GnuTLS overwrites its memory at the end.
class Key {
 public:
  Key(const std::string& file, bool check) {
    const TlsFile text(kKeyParameter, file, check);
    const gnutls_datum_t bytes = datum(text.bytes());
    if (text.bytes().find("ENCRYPTED") != std::string_view::npos)
      fail(kKeyParameter, file,
           fmt::format(
               "is encrypted, and nobody is there to type its password: openssl pkey -in '{}' writes it in "
               "clear",
               file));
    if (::gnutls_x509_privkey_init(&key_) < 0) throw std::bad_alloc();
    const int code = ::gnutls_x509_privkey_import2(key_, &bytes, GNUTLS_X509_FMT_PEM, nullptr, 0);
    if (code < 0) {
      ::gnutls_x509_privkey_deinit(key_);
      fail(kKeyParameter, file, fmt::format("holds no private key in PEM form: {}", tls_error_text(code)));
    }
  }
  ~Key() { ::gnutls_x509_privkey_deinit(key_); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  [[nodiscard]] gnutls_x509_privkey_t get() const noexcept { return key_; }

 private:
  gnutls_x509_privkey_t key_ = nullptr;
};

/// Adds a chain with its key; returns the index that they have in `set`.
unsigned int add(gnutls_certificate_credentials_t set, const TlsCertificateFiles& files, const Chain& chain,
                 const Key& key) {
  const int index =
      ::gnutls_certificate_set_x509_key(set, chain.list(), static_cast<int>(chain.size()), key.get());
  if (index == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
    fail(kKeyParameter, files.key,
         fmt::format("is not the key of the certificate in {} \"{}\"", kCertificateParameter,
                     files.certificate));
  if (index < 0) fail(kCertificateParameter, files.certificate, tls_error_text(index));
  return static_cast<unsigned int>(index);
}

/// True when one of `names`, which are joined by ", ", is `name`.
bool contains(std::string_view names, std::string_view name) noexcept {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(", "), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 2, names.size()));
  }
  return false;
}

void check_dates(const std::string& file, const Chain& chain, std::vector<std::string>& warnings) {
  const std::time_t now = std::time(nullptr);
  for (unsigned int i = 0; i < chain.size(); ++i) {
    gnutls_x509_crt_t certificate = chain.list()[i];
    const std::time_t begin = ::gnutls_x509_crt_get_activation_time(certificate);
    const std::time_t end = ::gnutls_x509_crt_get_expiration_time(certificate);
    if (now >= begin && now <= end) continue;
    warnings.push_back(fmt::format("{} \"{}\": the certificate of {} {} {}: clients will refuse it",
                                   kCertificateParameter, file, x509_subject(certificate),
                                   now < begin ? "is not valid before" : "has expired at",
                                   time_text(now < begin ? begin : end)));
  }
}

}  // namespace

std::shared_ptr<const TlsCredentials> TlsCredentials::load(const TlsOptions& options,
                                                           std::vector<std::string>& warnings) {
  std::shared_ptr<TlsCredentials> result(new TlsCredentials(options));
  for (const TlsCertificateFiles& files : options.certificates)
    result->add_certificate(files, options.key_permissions_check, warnings);
  if (options.verify_client != TlsVerifyClient::kNone) {
    if (options.ca_file.empty())
      throw TlsError("tls_verify_client needs tls_ca_file: the authorities whose certificates are good");
    result->add_authorities(options.ca_file);
  } else if (!options.ca_file.empty()) {
    warnings.emplace_back(
        "tls_ca_file is not used while tls_verify_client is \"none\": clients are asked for no certificate");
  }
  if (!options.ticket_key_file.empty()) result->add_ticket_key(options, warnings);
  return result;
}

std::vector<std::string> TlsCredentials::advice() const {
  std::vector<std::string> advice;
  if (!priority_.offers_p256())
    advice.push_back(fmt::format(
        "tls_ciphers \"{}\" offers no curve P-256: clients that know no larger one cannot connect where the "
        "certificate has an EC key, and lose forward secrecy where it has an RSA key; this string lets them "
        "in: "
        "\"{}\"",
        priority_.text(), TlsOptions::kSuggestedCiphers));
  if (const std::string cut = priority_.without_slow_groups(has_rsa_key_); !cut.empty())
    advice.push_back(
        fmt::format("tls_ciphers \"{}\" offers Diffie-Hellman groups that take a third of a second of this "
                    "server's time for "
                    "each handshake: a few clients can stop it; append this: \"{}\"",
                    priority_.text(), cut));
  return advice;
}

TlsCredentials::TlsCredentials(const TlsOptions& options)
    : priority_(options.ciphers), all_(make_set()), verify_client_(options.verify_client) {}

TlsCredentials::~TlsCredentials() = default;

void TlsCredentials::Deleter::operator()(gnutls_certificate_credentials_t credentials) const noexcept {
  ::gnutls_certificate_free_credentials(credentials);
}

void TlsCredentials::Deleter::operator()(gnutls_x509_crt_t certificate) const noexcept {
  ::gnutls_x509_crt_deinit(certificate);
}

TlsCredentials::Set TlsCredentials::make_set() {
  gnutls_certificate_credentials_t set = nullptr;
  if (::gnutls_certificate_allocate_credentials(&set) < 0) throw std::bad_alloc();
  // Indexes come back from what adds a key, for the OCSP responses.
  ::gnutls_certificate_set_flags(set, GNUTLS_CERTIFICATE_API_V2);
  return Set(set);
}

gnutls_certificate_credentials_t TlsCredentials::get(const char* name) const noexcept {
  if (groups_.size() < 2) return all_.get();
  // GnuTLS looks for the same bytes, and then may choose among all keys.
  for (const Group& group : groups_)
    if (contains(group.names, name)) return all_.get();
  for (const unsigned int without_wildcards :
       {static_cast<unsigned int>(GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS), 0U})
    for (const Group& group : groups_)
      if (::gnutls_x509_crt_check_hostname2(group.certificate.get(), name,
                                            without_wildcards | GNUTLS_VERIFY_DO_NOT_ALLOW_IP_MATCHES) != 0)
        return group.set.get();
  return all_.get();
}

TlsCredentials::Group& TlsCredentials::group_of(gnutls_x509_crt_t certificate) {
  std::string names = x509_names(certificate);
  const auto found =
      std::ranges::find_if(groups_, [&names](const Group& group) { return group.names == names; });
  if (found != groups_.end() && !names.empty()) return *found;
  gnutls_x509_crt_t copy = nullptr;
  if (::gnutls_x509_crt_init(&copy) < 0) throw std::bad_alloc();
  Group group{std::move(names), std::unique_ptr<gnutls_x509_crt_int, Deleter>(copy), make_set()};
  gnutls_datum_t bytes{};
  const int code = ::gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &bytes);
  const bool good = code >= 0 && ::gnutls_x509_crt_import(copy, &bytes, GNUTLS_X509_FMT_DER) >= 0;
  ::gnutls_free(bytes.data);
  if (!good) throw std::bad_alloc();
  return groups_.emplace_back(std::move(group));
}

void TlsCredentials::add_certificate(const TlsCertificateFiles& files, bool check_key,
                                     std::vector<std::string>& warnings) {
  const Chain chain(files.certificate);
  const Key key(files.key, check_key);
  check_dates(files.certificate, chain, warnings);
  const unsigned int index = add(all_.get(), files, chain, key);
  // GnuTLS puts the chain in order, and leaves out what does not belong to it.
  if (gnutls_datum_t last{}; ::gnutls_certificate_get_crt_raw(all_.get(), index, chain.size() - 1, &last) < 0)
    warnings.push_back(
        fmt::format("{} \"{}\" holds certificates that do not lead from the first one to its authority: they "
                    "are not sent",
                    kCertificateParameter, files.certificate));
  gnutls_x509_crt_t own = chain.list()[0];
  has_rsa_key_ = has_rsa_key_ || ::gnutls_x509_privkey_get_pk_algorithm(key.get()) == GNUTLS_PK_RSA;
  certificates_.push_back(
      {files.certificate, x509_subject(own), x509_names(own), ::gnutls_x509_crt_get_expiration_time(own), 0});
  const Group& group = group_of(own);
  const unsigned int index_in_group = add(group.set.get(), files, chain, key);
  if (files.ocsp.empty()) return;
  if (!add_ocsp(files, all_.get(), index) || !add_ocsp(files, group.set.get(), index_in_group))
    warnings.push_back(
        fmt::format("{} \"{}\" is out of date, and is not stapled: fetch a new one, then reload",
                    kOcspParameter, files.ocsp));
}

/// False when the response is too old to be used.
bool TlsCredentials::add_ocsp(const TlsCertificateFiles& files, gnutls_certificate_credentials_t set,
                              unsigned int index) {
  const TlsFile text(kOcspParameter, files.ocsp, false);
  const gnutls_datum_t bytes = datum(text.bytes());
  const bool pem = text.bytes().find("-----BEGIN OCSP RESPONSE-----") != std::string_view::npos;
  const int code = ::gnutls_certificate_set_ocsp_status_request_mem(
      set, &bytes, index, pem ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER);
  if (code == GNUTLS_E_EXPIRED) return false;
  if (code == GNUTLS_E_OCSP_MISMATCH_WITH_CERTS)
    fail(kOcspParameter, files.ocsp,
         fmt::format("is no response about the certificate in {} \"{}\"", kCertificateParameter,
                     files.certificate));
  if (code < 0)
    fail(kOcspParameter, files.ocsp, fmt::format("is no good OCSP response: {}", tls_error_text(code)));
  // 0: it names no end, was made too long ago, and GnuTLS has passed over it.
  certificates_.back().ocsp_until = ::gnutls_certificate_get_ocsp_expiration(set, index, -1, 0);
  return certificates_.back().ocsp_until > 0;
}

void TlsCredentials::add_authorities(const std::string& file) {
  const TlsFile text(kAuthorityParameter, file, false);
  const gnutls_datum_t bytes = datum(text.bytes());
  const auto add_to = [&](gnutls_certificate_credentials_t set) {
    const int count = ::gnutls_certificate_set_x509_trust_mem(set, &bytes, GNUTLS_X509_FMT_PEM);
    if (count < 0) fail(kAuthorityParameter, file, fmt::format("cannot be used: {}", tls_error_text(count)));
    if (count == 0) fail(kAuthorityParameter, file, "holds no certificate in PEM form");
  };
  add_to(all_.get());
  for (const Group& group : groups_)
    add_to(group.set.get());
}

void TlsCredentials::add_ticket_key(const TlsOptions& options, std::vector<std::string>& warnings) {
  if (verify_client_ != TlsVerifyClient::kNone) {
    warnings.emplace_back(
        "tls_ticket_key_file is not used with tls_verify_client: no session is taken up again where clients "
        "show certificates");
  } else if (options.ticket_lifetime == std::chrono::seconds::zero()) {
    warnings.emplace_back(
        "tls_ticket_key_file is not used while tls_ticket_lifetime is 0: no session is taken up again");
  } else {
    ticket_key_.emplace(options.ticket_key_file, options.key_permissions_check, options.ciphers);
  }
}

}  // namespace httpd::net
