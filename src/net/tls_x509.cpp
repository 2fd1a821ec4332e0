// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_x509.h"

#include <arpa/inet.h>
#include <array>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string_view>

namespace httpd::net {
namespace {

constexpr std::size_t kMaxSerial = 64;    // RFC 5280 allows 20
constexpr std::size_t kMaxName = 256;     // a DNS name has 255 at most
constexpr unsigned int kMaxNames = 1000;  // in one certificate

std::string distinguished_name(gnutls_x509_crt_t certificate,
                               int (*get)(gnutls_x509_crt_t, gnutls_datum_t*, unsigned int)) {
  gnutls_datum_t name{};
  if (get(certificate, &name, 0) < 0) return {};
  std::string text(reinterpret_cast<const char*>(name.data), name.size);
  ::gnutls_free(name.data);
  return text;
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

}  // namespace

std::string x509_subject(gnutls_x509_crt_t certificate) {
  return distinguished_name(certificate, ::gnutls_x509_crt_get_dn3);
}

std::string x509_issuer(gnutls_x509_crt_t certificate) {
  return distinguished_name(certificate, ::gnutls_x509_crt_get_issuer_dn3);
}

std::string x509_serial(gnutls_x509_crt_t certificate) {
  std::array<unsigned char, kMaxSerial> serial{};
  std::size_t size = serial.size();
  if (::gnutls_x509_crt_get_serial(certificate, serial.data(), &size) < 0) return {};
  return hexadecimal(serial.data(), size);
}

std::string x509_fingerprint(gnutls_x509_crt_t certificate) {
  std::array<unsigned char, 32> digest{};
  std::size_t size = digest.size();
  if (::gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, digest.data(), &size) < 0) return {};
  return hexadecimal(digest.data(), size);
}

std::string x509_names(gnutls_x509_crt_t certificate) {
  std::string text;
  for (unsigned int i = 0; i < kMaxNames; ++i) {
    std::array<char, kMaxName> name{};
    std::size_t size = name.size();
    const int type = ::gnutls_x509_crt_get_subject_alt_name(certificate, i, name.data(), &size, nullptr);
    if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) break;
    std::string_view shown;
    std::array<char, INET6_ADDRSTRLEN> address{};
    if (type == GNUTLS_SAN_DNSNAME) {
      shown = {name.data(), size};
    } else if (type == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
      shown = ::inet_ntop(size == 4 ? AF_INET : AF_INET6, name.data(), address.data(), address.size());
    } else {
      continue;
    }
    if (!text.empty()) text += ", ";
    text += shown;
  }
  return text;
}

}  // namespace httpd::net
