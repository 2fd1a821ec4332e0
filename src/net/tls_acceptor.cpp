// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_acceptor.h"

#include <gnutls/gnutls.h>
#include <new>
#include <utility>

namespace httpd::net {

TlsTicketKey::TlsTicketKey() {
  gnutls_datum_t key{};
  if (::gnutls_session_ticket_key_generate(&key) < 0) throw std::bad_alloc();
  data_ = key.data;
  size_ = key.size;
}

TlsTicketKey::~TlsTicketKey() {
  ::gnutls_memset(data_, 0, size_);
  ::gnutls_free(data_);
}

std::string_view TlsTicketKey::bytes() const noexcept {
  return {reinterpret_cast<const char*>(data_), size_};
}

TlsAcceptor::TlsAcceptor(std::shared_ptr<const TlsCredentials> credentials,
                         std::chrono::seconds ticket_lifetime)
    : credentials_(std::move(credentials)), ticket_lifetime_(ticket_lifetime) {}

std::unique_ptr<TlsStream> TlsAcceptor::accept(UniqueFd fd, TimePoint now) {
  std::string_view key;
  if (ticket_lifetime_ > std::chrono::seconds::zero()) {
    if (ticket_key_ == nullptr || now - key_made_ > kTicketKeyAge) {
      ticket_key_ = std::make_unique<TlsTicketKey>();
      key_made_ = now;
    }
    key = ticket_key_->bytes();
  }
  return std::make_unique<TlsStream>(std::move(fd), credentials_, buffers_, key,
                                     static_cast<unsigned int>(ticket_lifetime_.count()));
}

void TlsAcceptor::replace(std::shared_ptr<const TlsCredentials> credentials,
                          std::chrono::seconds ticket_lifetime) noexcept {
  credentials_ = std::move(credentials);
  ticket_lifetime_ = ticket_lifetime;
  ticket_key_.reset();
}

}  // namespace httpd::net
