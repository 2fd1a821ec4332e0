// Everything that TLS handshakes are done with: certificates, keys, authorities, the priority string, and the
// key for session tickets where it is in a file. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_error.h"
#include "net/tls_options.h"
#include "net/tls_priority.h"
#include "net/tls_ticket_key.h"

struct gnutls_certificate_credentials_st;
struct gnutls_x509_crt_int;

namespace httpd::net {

/// Read from files once, then only used. Sessions refer to it for as long as they live, so that new ones may
/// already use others: hence the shared_ptr that load() gives.
class TlsCredentials {
 public:
  /// A certificate that is in service, for those who look after it.
  struct Certificate {
    std::string file;
    std::string subject;  ///< its distinguished name (RFC 4514)
    std::string names;    ///< the DNS names and addresses that it is for, joined by ", "
    std::time_t not_after;
    std::time_t ocsp_until;  ///< when the stapled OCSP response ends; 0 without one
  };

  /// Reads and checks all files of `options`, which must name a certificate. Throws TlsError. What is odd,
  /// but works, is told in `warnings`.
  static std::shared_ptr<const TlsCredentials> load(const TlsOptions& options,
                                                    std::vector<std::string>& warnings);
  ~TlsCredentials();
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  /// All certificates, the first of them for whoever names no other.
  [[nodiscard]] gnutls_certificate_credentials_st* get() const noexcept { return all_.get(); }
  /// What fits a client that asks for `name` (RFC 6066 section 3): letters are of either case, and
  /// certificates may have wildcards (RFC 6125 section 6.4.3).
  [[nodiscard]] gnutls_certificate_credentials_st* get(const char* name) const noexcept;
  [[nodiscard]] const TlsPriority& priority() const noexcept { return priority_; }
  [[nodiscard]] TlsVerifyClient verify_client() const noexcept { return verify_client_; }
  /// For session tickets, from the file that the options name; "" where they name none, or have no use for
  /// it.
  [[nodiscard]] std::string_view ticket_key() const noexcept {
    return ticket_key_ ? ticket_key_->bytes() : std::string_view();
  }
  /// What the priority string does to clients or to the server that an administrator may not expect; fit for
  /// the log.
  [[nodiscard]] std::vector<std::string> advice() const;
  [[nodiscard]] const std::vector<Certificate>& certificates() const noexcept { return certificates_; }

 private:
  struct Deleter {
    void operator()(gnutls_certificate_credentials_st* credentials) const noexcept;
    void operator()(gnutls_x509_crt_int* certificate) const noexcept;
  };
  using Set = std::unique_ptr<gnutls_certificate_credentials_st, Deleter>;
  /// Certificates for the same names, which differ in their keys.
  struct Group {
    std::string names;  ///< as in Certificate
    std::unique_ptr<gnutls_x509_crt_int, Deleter> certificate;
    Set set;
  };

  explicit TlsCredentials(const TlsOptions& options);
  static Set make_set();
  Group& group_of(gnutls_x509_crt_int* certificate);
  void add_certificate(const TlsCertificateFiles& files, bool check_key, std::vector<std::string>& warnings);
  bool add_ocsp(const TlsCertificateFiles& files, gnutls_certificate_credentials_st* set, unsigned int index);
  void add_authorities(const std::string& file);
  void add_ticket_key(const TlsOptions& options, std::vector<std::string>& warnings);

  TlsPriority priority_;
  Set all_;
  std::vector<Group> groups_;
  TlsVerifyClient verify_client_;
  std::vector<Certificate> certificates_;
  std::optional<TlsTicketKey> ticket_key_;
  bool has_rsa_key_ = false;
};

}  // namespace httpd::net
