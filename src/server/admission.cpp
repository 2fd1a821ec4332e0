// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/admission.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "net/network.h"

namespace httpd::server {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

/// The finalizer of SplitMix64 over the address and a secret.
std::size_t Admission::Hash::operator()(const Key& key) const noexcept {
  std::uint64_t x = (key.bits ^ seed) + (key.is_v6 ? 0x9E3779B97F4A7C15U : 0U);
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U) ^ seed) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

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
    : settings_(settings), loop_(loop), clients_(0, Hash{random_seed()}) {
  limit_connections(settings.max_connections == 0 ? kDefaultConnections : settings.max_connections);
  if (settings.max_request_rate == 0) return;
  interval_ = std::max<net::Duration>(net::Duration(1), net::Duration(std::chrono::seconds(1)) /
                                                            static_cast<long>(settings.max_request_rate));
  const std::size_t burst =
      settings.max_request_burst == 0 ? settings.max_request_rate : settings.max_request_burst;
  tolerance_ = interval_ * static_cast<long>(burst - 1);
}

void Admission::limit_connections(std::size_t connections) noexcept {
  limit_ = connections;
  client_limit_ = settings_.max_client_connections == 0
                      ? std::max<std::size_t>(1, connections - connections / 4)
                      : settings_.max_client_connections;
}

Admission::Key Admission::key_of(const net::Address& peer) noexcept {
  Key key{0, peer.family() == AF_INET6};
  const net::AddressBytes bytes = net::bytes_of(peer);
  std::memcpy(&key.bits, bytes.data(), sizeof key.bits);
  return key;
}

bool Admission::is_administrator(const net::Address& peer) const noexcept {
  return std::ranges::any_of(settings_.admin_addresses,
                             [&peer](const net::Network& network) { return network.contains(peer); });
}

Admission::Client* Admission::known(const net::Address& peer) noexcept {
  if (peer.family() != AF_INET && peer.family() != AF_INET6) return nullptr;
  const auto found = clients_.find(key_of(peer));
  return found == clients_.end() ? nullptr : &found->second;
}

Admission::Client& Admission::remember(const net::Address& peer) {
  const Key key = key_of(peer);
  Client& client = clients_[key];
  client.key = key;
  if (client.linked()) {
    client.unlink();
    --idle_count_;
  }
  return client;
}

Admission::Place Admission::enter(const net::Address& peer) {
  Place place;
  place.is_administrator_ = is_administrator(peer);
  const bool has_address = peer.family() == AF_INET || peer.family() == AF_INET6;
  const Client* const client = known(peer);
  if (ordinary_ >= limit_) {
    place.refusal_ = http::Refusal::kTooManyConnections;
  } else if (client != nullptr && client->connections >= client_limit_) {
    place.refusal_ = http::Refusal::kTooManyOfClient;
  } else {
    place.kind_ = Kind::kOrdinary;
  }
  if (place.kind_ == Kind::kNone && reserved_ < kReservedPlaces) {
    if (place.is_administrator_ && (client == nullptr || !client->has_reserved)) {
      place.kind_ = Kind::kReserved;
    } else if (peer.is_loopback() && !machine_has_reserved_) {
      place.kind_ = Kind::kReservedForMachine;
    }
  }
  if (place.kind_ == Kind::kNone) {
    if (turned_away_ == kTurnedAwayPlaces) return place;
    place.kind_ = Kind::kTurnedAway;
    ++turned_away_;
  } else {
    if (has_address) {
      place.client_ = &remember(peer);
      ++place.client_->places;
    }
    place.refusal_ = http::Refusal::kNone;
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
  if (client == nullptr || --client->places > 0) return;
  // Who has used up his requests must not get them back by connecting anew.
  idle_.push_back(*client);
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

/// A token bucket, kept as the time when it will be full again.
bool Admission::charge(const Place& place) noexcept {
  if (interval_ == net::Duration::zero() || place.client_ == nullptr || place.is_administrator_) return true;
  const net::TimePoint now = loop_.now();
  Client& client = *place.client_;
  const net::TimePoint begin = std::max(client.full_at, now);
  if (begin - now > tolerance_) return false;
  client.full_at = begin + interval_;
  return true;
}

}  // namespace httpd::server
