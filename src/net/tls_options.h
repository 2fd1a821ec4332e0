// What an administrator sets about TLS. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace httpd::net {

/// A certificate that the server may show, and what belongs to it. All files are PEM.
struct TlsCertificateFiles {
  std::string certificate;  ///< the certificate, then those that lead to its authority
  std::string key;          ///< the private key: PKCS#8, or the traditional form of RSA and EC keys
  std::string ocsp;         ///< an OCSP response for the certificate (DER or PEM), to be stapled; "" for none
};

/// Whether clients are asked for a certificate.
enum class TlsVerifyClient : char {
  kNone,      ///< they are not
  kOptional,  ///< they are; one that has none comes in all the same, one whose certificate is bad does not
  kRequire,   ///< nobody comes in without a good one
};

struct TlsOptions {
  /// The priority string that the stock module documents as its default.
  static constexpr const char* kDefaultCiphers = "SECURE256:+SECURE192:-VERS-ALL:+VERS-TLS1.2";

  /// For clients of all kinds: P-256 and X25519 beside the larger curves, TLS 1.2 and 1.3, always with
  /// forward secrecy.
  static constexpr const char* kSuggestedCiphers =
      "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-SHA1:-GROUP-DH-ALL";

  std::vector<TlsCertificateFiles>
      certificates;                       ///< chosen by the name that the client asks for; else the first
  std::string ciphers = kDefaultCiphers;  ///< a GnuTLS priority string
  std::string ca_file;                    ///< the authorities whose client certificates are good
  TlsVerifyClient verify_client = TlsVerifyClient::kNone;
  bool key_permissions_check = true;           ///< refuse key files that everybody may read or write
  std::chrono::seconds ticket_lifetime{7200};  ///< how long a session may be resumed; 0: never
  std::string ticket_key_file;                 ///< see TlsTicketKey; "": a key of this server's own
};

}  // namespace httpd::net
