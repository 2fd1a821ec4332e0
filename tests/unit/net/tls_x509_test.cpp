// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_x509.h"

#include <gmock/gmock.h>
#include <gnutls/crypto.h>
#include <string>

#include "tls_fixture.h"

namespace httpd::net {
namespace {

std::string sha256(const std::string& bytes) {
  std::array<unsigned char, 32> digest{};
  checked(::gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes.data(), bytes.size(), digest.data()));
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte / 16];
    text += "0123456789abcdef"[byte % 16];
  }
  return text;
}

TEST(TlsX509, NamesOwnerAndIssuer) {
  EXPECT_EQ(x509_subject(pki::client().get()), "CN=probe,O=Example");
  EXPECT_EQ(x509_issuer(pki::client().get()), "CN=Test Authority,O=Example");
  EXPECT_EQ(x509_issuer(pki::authority().get()), x509_subject(pki::authority().get()));
}

TEST(TlsX509, SpecialCharactersOfNamesAreEscaped) {
  const TestCertificate odd({.name = R"(a\, b\+c\"d)"});
  EXPECT_EQ(x509_subject(odd.get()), R"(CN=a\, b\+c\"d,O=Example)");
}

TEST(TlsX509, SerialAndFingerprintAreHexadecimal) {
  const std::string serial = x509_serial(pki::client().get());
  EXPECT_EQ(serial.size(), 6U);
  EXPECT_EQ(serial.substr(0, 4), "0abc");
  EXPECT_NE(serial, x509_serial(pki::authority().get()));
  EXPECT_EQ(x509_fingerprint(pki::client().get()), sha256(pki::client().der()));
}

TEST(TlsX509, TheLongestSerialThatGnuTlsMakesFits) {
  gnutls_x509_crt_t certificate = nullptr;
  checked(::gnutls_x509_crt_init(&certificate));
  const std::string serial(20, '\x7f');
  checked(::gnutls_x509_crt_set_serial(certificate, serial.data(), serial.size()));
  std::string expected;
  for (int i = 0; i < 20; ++i)
    expected += "7f";
  EXPECT_EQ(x509_serial(certificate), expected);
  ::gnutls_x509_crt_deinit(certificate);
}

TEST(TlsX509, ListsDnsNamesAndAddresses) {
  const TestCertificate many(
      {.name = "x", .names = {"a.example", "*.b.example", "192.0.2.1", "2001:db8::1"}});
  EXPECT_EQ(x509_names(many.get()), "a.example, *.b.example, 192.0.2.1, 2001:db8::1");
  EXPECT_EQ(x509_names(pki::authority().get()), "");
}

TEST(TlsX509, PassesOverNamesOfOtherKindsAndOverlongOnes) {
  gnutls_x509_crt_t certificate = nullptr;
  checked(::gnutls_x509_crt_init(&certificate));
  const auto add = [&](gnutls_x509_subject_alt_name_t type, const std::string& name) {
    checked(::gnutls_x509_crt_set_subject_alt_name(
        certificate, type, name.data(), static_cast<unsigned int>(name.size()), GNUTLS_FSAN_APPEND));
  };
  add(GNUTLS_SAN_RFC822NAME, "someone@a.example");
  add(GNUTLS_SAN_DNSNAME, "a.example");
  add(GNUTLS_SAN_URI, "https://a.example/");
  add(GNUTLS_SAN_DNSNAME, std::string(300, 'a'));
  add(GNUTLS_SAN_IPADDRESS, "12345");
  add(GNUTLS_SAN_DNSNAME, "b.example");
  checked(::gnutls_x509_crt_set_version(certificate, 3));
  checked(::gnutls_x509_crt_set_serial(certificate, "\x01", 1));
  checked(::gnutls_x509_crt_set_activation_time(certificate, 0));
  checked(::gnutls_x509_crt_set_expiration_time(certificate, 1));
  checked(::gnutls_x509_crt_set_key(certificate, pki::server().key()));
  certificate = TestCertificate::signed_by(pki::authority(), certificate);
  EXPECT_EQ(x509_names(certificate), "a.example, b.example");
  ::gnutls_x509_crt_deinit(certificate);
}

TEST(TlsX509, WhatIsNotThereIsEmpty) {
  gnutls_x509_crt_t certificate = nullptr;
  checked(::gnutls_x509_crt_init(&certificate));
  EXPECT_EQ(x509_subject(certificate), "");
  EXPECT_EQ(x509_issuer(certificate), "");
  EXPECT_EQ(x509_serial(certificate), "");
  EXPECT_EQ(x509_names(certificate), "");
  ::gnutls_x509_crt_deinit(certificate);
}

}  // namespace
}  // namespace httpd::net
