// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/admission.h"

#include <algorithm>
#include <utility>

#include "server/settings.h"

namespace httpd::server {
Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  if (admission_ != nullptr) admission_->leave(*this);
  admission_ = std::exchange(other.admission_, nullptr);
  client_ = std::exchange(other.client_, nullptr);
  kind_ = std::exchange(other.kind_, Kind::kNone);
  is_administrator_ = other.is_administrator_;
  refusal_ = other.refusal_;
  return *this;
}

Admission::Admission(const Settings& settings, const net::EventLoop& loop)
    : settings_(settings), loop_(loop) {
  limit_connections(settings.max_connections == 0 ? kDefaultConnections : settings.max_connections);
  change_rate();
}

void Admission::change_rate() noexcept {
  net::Duration interval{};
  net::Duration tolerance{};
  if (settings_.max_request_rate != 0) {
    interval = std::max<net::Duration>(net::Duration(1), net::Duration(std::chrono::seconds(1)) /
                                                             static_cast<long>(settings_.max_request_rate));
    const std::size_t burst =
        settings_.max_request_burst == 0 ? settings_.max_request_rate : settings_.max_request_burst;
    tolerance = interval * static_cast<long>(burst - 1);
  }
  if (interval == interval_ && tolerance == tolerance_) return;
  interval_ = interval;
  tolerance_ = tolerance;
  // What a bucket lacks may be much more than there is room for in the new one.
  const net::TimePoint emptiest = loop_.now() + tolerance_ + interval_;
  for (auto& [key, client] : clients_)
    client.full_at = std::min(client.full_at, emptiest);
}

void Admission::limit_connections(std::size_t connections) noexcept {
  limit_ = connections;
  client_limit_ = settings_.max_client_connections == 0
                      ? std::max<std::size_t>(1, connections - connections / 4)
                      : settings_.max_client_connections;
}

bool Admission::is_administrator(const net::Address& peer) const noexcept {
  return settings_.admin_addresses.contains(peer);
}

Admission::Client* Admission::known(const net::Address& peer) noexcept {
  if (peer.family() == AF_UNIX) return nullptr;
  const auto found = clients_.find(ClientKey::of(peer));
  return found == clients_.end() ? nullptr : &found->second;
}

Admission::Client& Admission::remember(const net::Address& peer) {
  const ClientKey key = ClientKey::of(peer);
  Client& client = clients_[key];
  client.key = key;
  if (client.linked()) {
    client.unlink();
    --idle_count_;
  }
  return client;
}

Admission::Place Admission::turn_away(http::Refusal refusal) noexcept {
  Place place;
  place.refusal_ = refusal;
  if (turned_away_ == kTurnedAwayPlaces) return place;
  place.kind_ = Kind::kTurnedAway;
  place.admission_ = this;
  ++turned_away_;
  return place;
}

Admission::Place Admission::enter(const net::Address& peer, bool is_proxy) {
  Place place;
  place.is_administrator_ = is_administrator(peer);
  const bool has_address = !is_proxy && peer.family() != AF_UNIX;
  const Client* const client = is_proxy ? nullptr : known(peer);
  if (ordinary_ >= limit_) {
    place.refusal_ = http::Refusal::kTooManyConnections;
  } else if (client != nullptr && client->connections >= client_limit_) {
    place.refusal_ = http::Refusal::kTooManyOfClient;
  } else {
    place.kind_ = Kind::kOrdinary;
  }
  if (place.kind_ == Kind::kNone && reserved_ < kReservedPlaces) {
    if (has_address && place.is_administrator_ && (client == nullptr || !client->has_reserved)) {
      place.kind_ = Kind::kReserved;
    } else if (peer.is_loopback() && !machine_has_reserved_) {
      place.kind_ = Kind::kReservedForMachine;
    }
  }
  if (place.kind_ == Kind::kNone) return turn_away(place.refusal_);
  place.refusal_ = http::Refusal::kNone;
  if (has_address) {
    place.client_ = &remember(peer);
    ++place.client_->places;
  }
  place.admission_ = this;
  switch (place.kind_) {
    case Kind::kOrdinary:
      ++ordinary_;
      if (has_address) ++place.client_->connections;
      break;
    case Kind::kReserved:
      ++reserved_;
      place.client_->has_reserved = true;
      break;
    case Kind::kReservedForMachine:
      ++reserved_;
      machine_has_reserved_ = true;
      break;
    case Kind::kTurnedAway:
    case Kind::kNone:
      break;
  }
  return place;
}

void Admission::leave(const Place& place) noexcept {
  Client* const client = place.client_;
  switch (place.kind_) {
    case Kind::kOrdinary:
      --ordinary_;
      if (client != nullptr) --client->connections;
      break;
    case Kind::kReserved:
      --reserved_;
      client->has_reserved = false;
      break;
    case Kind::kReservedForMachine:
      --reserved_;
      machine_has_reserved_ = false;
      break;
    case Kind::kTurnedAway:
      --turned_away_;
      break;
    case Kind::kNone:
      break;
  }
  if (client != nullptr && --client->places == 0) set_idle(*client);
}

std::vector<Monitor::Client> Admission::clients(std::size_t most) const {
  std::vector<const Client*> connected;
  for (const auto& [key, client] : clients_)
    if (client.connections > 0) connected.push_back(&client);
  // Of those that have as many the order is the same each time.
  const auto middle = connected.begin() + static_cast<std::ptrdiff_t>(std::min(most, connected.size()));
  std::ranges::partial_sort(connected, middle, [](const Client* one, const Client* other) {
    return std::tie(other->connections, one->key.family, one->key.bits) <
           std::tie(one->connections, other->key.family, other->key.bits);
  });
  std::vector<Monitor::Client> clients;
  for (auto client = connected.begin(); client != middle; ++client)
    clients.push_back({(*client)->key.text(), (*client)->connections});
  return clients;
}

/// Who has used up his requests must not get them back by connecting anew.
void Admission::set_idle(Client& client) noexcept {
  idle_.push_back(client);
  ++idle_count_;
  forget_idle();
}

void Admission::forget_idle() noexcept {
  while (!idle_.empty()) {
    Client& first = idle_.front();
    if (first.full_at > loop_.now() && idle_count_ <= kRememberedClients) return;
    first.unlink();
    --idle_count_;
    clients_.erase(clients_.find(first.key));
  }
}

bool Admission::charge(const Place& place) noexcept {
  if (interval_ == net::Duration::zero() || place.client_ == nullptr || place.is_administrator_) return true;
  return charge(*place.client_);
}

bool Admission::charge(const net::Address& client) {
  if (interval_ == net::Duration::zero() || is_administrator(client)) return true;
  Client& entry = remember(client);
  const bool in_time = charge(entry);
  if (entry.places == 0) set_idle(entry);
  return in_time;
}

/// A token bucket, kept as the time when it will be full again.
bool Admission::charge(Client& client) noexcept {
  const net::TimePoint now = loop_.now();
  const net::TimePoint begin = std::max(client.full_at, now);
  if (begin - now > tolerance_) return false;
  client.full_at = begin + interval_;
  return true;
}

}  // namespace httpd::server
