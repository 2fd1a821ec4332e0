// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_error.h"

#include <gnutls/gnutls.h>
#include <gtest/gtest.h>
#include <string_view>

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

TEST(TlsErrorAdvice, NamesTheParameterThatAFailedHandshakeDependsOn) {
  for (const int code : {GNUTLS_E_NO_CERTIFICATE_FOUND, GNUTLS_E_CERTIFICATE_REQUIRED})
    EXPECT_NE(tls_error_advice(code).find("tls_verify_client"), std::string_view::npos);
  for (const int code : {GNUTLS_E_NO_CIPHER_SUITES, GNUTLS_E_UNSUPPORTED_VERSION_PACKET})
    EXPECT_NE(tls_error_advice(code).find("tls_ciphers"), std::string_view::npos);
  EXPECT_EQ(tls_error_advice(GNUTLS_E_FATAL_ALERT_RECEIVED), "");
}

}  // namespace
}  // namespace httpd::net
