// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_error.h"

#include <gnutls/gnutls.h>
#include <gtest/gtest.h>

namespace httpd::net {
namespace {

TEST(TlsErrorText, IsWhatGnuTlsSaysWithoutTheFullStop) {
  EXPECT_EQ(tls_error_text(GNUTLS_E_INVALID_REQUEST), "The request is invalid");
  for (const int code :
       {GNUTLS_E_SUCCESS, GNUTLS_E_AGAIN, GNUTLS_E_FATAL_ALERT_RECEIVED, GNUTLS_E_EXPIRED, -99999}) {
    const std::string text = tls_error_text(code);
    ASSERT_FALSE(text.empty());
    EXPECT_NE(text.back(), '.');
  }
}

}  // namespace
}  // namespace httpd::net
