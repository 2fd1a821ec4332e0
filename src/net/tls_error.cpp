// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_error.h"

#include <gnutls/gnutls.h>

namespace httpd::net {

std::string tls_error_text(int code) {
  std::string text = ::gnutls_strerror(code);
  text.erase(text.find_last_not_of(". ") + 1);
  return text;
}

}  // namespace httpd::net
