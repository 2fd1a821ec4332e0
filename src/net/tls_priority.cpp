// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_priority.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <gnutls/gnutls.h>
#include <span>

namespace httpd::net {
namespace {

using List = int (*)(gnutls_priority_t, const unsigned int**);

std::span<const unsigned int> items(gnutls_priority_t priority, List list) noexcept {
  const unsigned int* first = nullptr;
  const int count = list(priority, &first);
  return count > 0 ? std::span(first, static_cast<std::size_t>(count)) : std::span<const unsigned int>();
}

bool has(gnutls_priority_t priority, List list, unsigned int wanted) noexcept {
  return std::ranges::find(items(priority, list), wanted) != items(priority, list).end();
}

/// GnuTLS lists the suites of TLS 1.3 also where that is not on offer.
bool has_suite(gnutls_priority_t priority) noexcept {
  unsigned int suite = 0;
  for (unsigned int i = 0;; ++i) {
    const int code = ::gnutls_priority_get_cipher_suite_index(priority, i, &suite);
    if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return false;
    if (code >= 0) return true;
  }
}

}  // namespace

TlsPriority::TlsPriority(std::string text) : text_(std::move(text)) {
  const char* error = nullptr;
  const int code = ::gnutls_priority_init2(&priority_, text_.c_str(), &error, 0);
  if (code != GNUTLS_E_SUCCESS) {
    // GnuTLS may also point into a string that it put in the place of an @NAME.
    const std::less_equal<> in_order;
    std::string place;
    if (code == GNUTLS_E_INVALID_REQUEST && error != nullptr && in_order(text_.c_str(), error) &&
        in_order(error, text_.c_str() + text_.size()))
      place = fmt::format(" at character {} ({})", error - text_.c_str() + 1,
                          *error == '\0' ? "the end" : fmt::format("\"{}\"", error));
    fail(fmt::format("is no GnuTLS priority string{}: {}; gnutls-cli -l --priority shows what one allows",
                     place, tls_error_text(code)));
  }
  try {
    check();
  } catch (const TlsError&) {
    ::gnutls_priority_deinit(priority_);
    throw;
  }
}

TlsPriority::~TlsPriority() {
  ::gnutls_priority_deinit(priority_);
}

void TlsPriority::fail(std::string_view why) const {
  throw TlsError(fmt::format("tls_ciphers \"{}\" {}", text_, why));
}

void TlsPriority::check() const {
  if (has(priority_, ::gnutls_priority_cipher_list, GNUTLS_CIPHER_NULL))
    fail("allows connections without encryption: take NULL out of it");
  for (const auto exchange : {GNUTLS_KX_ANON_DH, GNUTLS_KX_ANON_ECDH})
    if (has(priority_, ::gnutls_priority_kx_list, static_cast<unsigned int>(exchange)))
      fail(
          "allows servers that prove nothing (anonymous key exchange): take ANON-DH and ANON-ECDH out of it");
  const auto versions = items(priority_, ::gnutls_priority_protocol_list);
  if (std::ranges::none_of(versions, [](unsigned int version) {
        return version >= GNUTLS_SSL3 && version <= GNUTLS_TLS_VERSION_MAX;
      }))
    fail("leaves no version of TLS: add +VERS-TLS1.3:+VERS-TLS1.2");
  if (!has_suite(priority_)) fail("leaves no cipher suite");
}

bool TlsPriority::offers_p256() const noexcept {
  return has(priority_, ::gnutls_priority_group_list, GNUTLS_GROUP_SECP256R1);
}

std::string TlsPriority::without_slow_groups(bool with_rsa) const {
  const bool in_tls_1_3 = has(priority_, ::gnutls_priority_protocol_list, GNUTLS_TLS1_3);
  const bool in_tls_1_2 = with_rsa && has(priority_, ::gnutls_priority_kx_list, GNUTLS_KX_DHE_RSA);
  std::string text;
  if (!in_tls_1_3 && !in_tls_1_2) return text;
  for (const gnutls_group_t group : {GNUTLS_GROUP_FFDHE6144, GNUTLS_GROUP_FFDHE8192})
    if (has(priority_, ::gnutls_priority_group_list, static_cast<unsigned int>(group)))
      text += fmt::format(":-GROUP-{}", ::gnutls_group_get_name(group));
  return text;
}

}  // namespace httpd::net
