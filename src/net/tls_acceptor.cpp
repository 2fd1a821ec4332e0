// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_acceptor.h"

#include <utility>

namespace httpd::net {

TlsAcceptor::TlsAcceptor(std::shared_ptr<const TlsCredentials> credentials,
                         std::chrono::seconds ticket_lifetime)
    : credentials_(std::move(credentials)), ticket_lifetime_(ticket_lifetime) {}

std::unique_ptr<TlsStream> TlsAcceptor::accept(UniqueFd fd, TimePoint now) {
  return std::make_unique<TlsStream>(std::move(fd), credentials_, buffers_, ticket_key(now),
                                     static_cast<unsigned int>(ticket_lifetime_.count()));
}

std::string_view TlsAcceptor::ticket_key(TimePoint now) {
  if (ticket_lifetime_ == std::chrono::seconds::zero()) return {};
  if (const std::string_view shared = credentials_->ticket_key(); !shared.empty()) return shared;
  if (!own_key_ || now - key_made_ > kTicketKeyAge) {
    own_key_.emplace();
    key_made_ = now;
  }
  return own_key_->bytes();
}

void TlsAcceptor::replace(std::shared_ptr<const TlsCredentials> credentials,
                          std::chrono::seconds ticket_lifetime) noexcept {
  credentials_ = std::move(credentials);
  ticket_lifetime_ = ticket_lifetime;
  own_key_.reset();
}

}  // namespace httpd::net
