// What certificates say, as text. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

struct gnutls_x509_crt_int;

namespace httpd::net {

/// The distinguished name of the certificate's owner as RFC 4514 writes it, e.g. "CN=probe,O=Example"; ""
/// when it has none, or one that cannot be read.
[[nodiscard]] std::string x509_subject(gnutls_x509_crt_int* certificate);
/// The same of who issued it.
[[nodiscard]] std::string x509_issuer(gnutls_x509_crt_int* certificate);
/// The serial number in hexadecimal digits.
[[nodiscard]] std::string x509_serial(gnutls_x509_crt_int* certificate);
/// The SHA-256 digest of the whole certificate in hexadecimal digits.
[[nodiscard]] std::string x509_fingerprint(gnutls_x509_crt_int* certificate);
/// The DNS names and IP addresses in the subject's alternative names, joined by ", ".
[[nodiscard]] std::string x509_names(gnutls_x509_crt_int* certificate);

}  // namespace httpd::net
