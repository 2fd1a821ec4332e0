// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_error.h"

#include <gnutls/gnutls.h>

namespace httpd::net {

std::string tls_error_text(int code) {
  std::string text = ::gnutls_strerror(code);
  text.erase(text.find_last_not_of(". ") + 1);
  return text;
}

std::string_view tls_error_advice(int code) noexcept {
  switch (code) {
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
      return "; parameter tls_verify_client of module httpd asks clients for one";
    case GNUTLS_E_NO_CIPHER_SUITES:
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
      return "; parameter tls_ciphers of module httpd says what is spoken here";
    default:
      return "";
  }
}

}  // namespace httpd::net
