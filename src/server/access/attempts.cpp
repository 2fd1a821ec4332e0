// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/attempts.h"

#include <algorithm>

namespace httpd::server {

Attempts::Attempts(std::size_t free, std::chrono::seconds interval, const net::EventLoop& loop)
    : loop_(loop) {
  limit(free, interval);
}

void Attempts::limit(std::size_t free, std::chrono::seconds interval) noexcept {
  const net::Duration tolerance = interval * static_cast<long>(std::max<std::size_t>(free, 1) - 1);
  if (limited_ == (free != 0) && interval_ == interval && tolerance_ == tolerance) return;
  limited_ = free != 0;
  interval_ = interval;
  tolerance_ = tolerance;
  clients_.clear();  // their times were counted in other units
}

/// A token bucket, kept as the time when it will be full again.
net::Duration Attempts::wait_of(const net::Address& client) const noexcept {
  if (clients_.empty()) return net::Duration::zero();
  const auto found = clients_.find(ClientKey::of(client));
  if (found == clients_.end()) return net::Duration::zero();
  return std::max(net::Duration::zero(), found->second.free_at - loop_.now() - tolerance_);
}

void Attempts::begin(const net::Address& client) {
  if (!limited_) return;
  forget();
  const ClientKey key = ClientKey::of(client);
  Client& entry = clients_[key];
  entry.key = key;
  if (entry.linked()) entry.unlink();
  by_time_.push_back(entry);
  entry.free_at = std::max(entry.free_at, loop_.now()) + interval_;
}

void Attempts::forgive(const net::Address& client) noexcept {
  const auto found = clients_.find(ClientKey::of(client));
  if (found != clients_.end()) found->second.free_at -= interval_;
}

void Attempts::forget() noexcept {
  while (!by_time_.empty()) {
    Client& first = by_time_.front();
    if (first.free_at > loop_.now() && clients_.size() < kRemembered) return;
    first.unlink();
    clients_.erase(clients_.find(first.key));
  }
}

}  // namespace httpd::server
