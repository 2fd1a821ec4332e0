// Who may open one more connection, and send one more request: limits over all clients, and for each address.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <httpd/monitor.h>

#include "http/refusal.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "net/intrusive_list.h"
#include "server/access/client_key.h"

namespace httpd::server {

struct Settings;

/// Counts connections and requests by client. Costs a look-up for each connection, and arithmetic for each
/// request.
class Admission {
 public:
  /// Connections beyond the limit, for administrators.
  static constexpr std::size_t kReservedPlaces = 16;
  /// Connections that are being told that there is no place for them.
  static constexpr std::size_t kTurnedAwayPlaces = 32;
  /// Clients without a connection that are remembered for the requests that they have sent.
  static constexpr std::size_t kRememberedClients = 16384;

  /// max_connections where it is 0.
  static constexpr std::size_t kDefaultConnections = 4096;

  class Place;

  /// Both must outlive this.
  Admission(const Settings& settings, const net::EventLoop& loop);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// Takes `connections` for max_connections from now on.
  void limit_connections(std::size_t connections) noexcept;
  /// The settings have changed: those of requests hold from now on, for clients that are known, too. Those of
  /// connections do once limit_connections() is called.
  void change_rate() noexcept;
  /// A place for a connection from `peer`. That of a proxy (`is_proxy`), which is many clients, counts for
  /// all of them together alone. Throws std::bad_alloc.
  [[nodiscard]] Place enter(const net::Address& peer, bool is_proxy = false);
  /// A place for one who may not connect, to be told so.
  [[nodiscard]] Place turn_away(http::Refusal refusal) noexcept;
  /// Counts a request on the connection that has `place`. False when it is one too many; a second later one
  /// more is not, since max_request_rate is 1 at least.
  [[nodiscard]] bool charge(const Place& place) noexcept;
  /// The same for a client that sends through a proxy, whose connection it is. Throws std::bad_alloc.
  [[nodiscard]] bool charge(const net::Address& client);
  /// The clients with the most connections, `most` of them at most. Takes time for each client that is known.
  [[nodiscard]] std::vector<Monitor::Client> clients(std::size_t most) const;

 private:
  struct Client : net::ListNode<Client> {
    ClientKey key{};
    std::size_t connections = 0;  // in ordinary places
    std::size_t places = 0;       // of any kind
    bool has_reserved = false;
    net::TimePoint full_at{};  // when it may send a whole burst again
  };
  enum class Kind : std::uint8_t { kNone, kOrdinary, kReserved, kReservedForMachine, kTurnedAway };

  [[nodiscard]] bool is_administrator(const net::Address& peer) const noexcept;
  [[nodiscard]] Client* known(const net::Address& peer) noexcept;
  Client& remember(const net::Address& peer);
  [[nodiscard]] bool charge(Client& client) noexcept;
  void set_idle(Client& client) noexcept;
  void leave(const Place& place) noexcept;
  void forget_idle() noexcept;

  const Settings& settings_;
  const net::EventLoop& loop_;
  std::size_t limit_ = 0;
  std::size_t client_limit_ = 0;
  net::Duration interval_{};   // between requests at max_request_rate; zero: no limit
  net::Duration tolerance_{};  // how far a burst may run ahead
  std::size_t ordinary_ = 0;
  std::size_t reserved_ = 0;
  std::size_t turned_away_ = 0;
  std::size_t idle_count_ = 0;
  bool machine_has_reserved_ = false;
  std::unordered_map<ClientKey, Client, ClientKey::Hash> clients_;
  net::IntrusiveList<Client> idle_;  // without a connection, the one that left first in front
};

/// What a connection holds for as long as it is there.
class Admission::Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept { *this = std::move(other); }
  Place& operator=(Place&& other) noexcept;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (admission_ != nullptr) admission_->leave(*this);
  }
  /// Why there is no place; kNone when there is one.
  [[nodiscard]] http::Refusal refusal() const noexcept { return refusal_; }
  /// True when a connection may be made: for its requests, or to tell its client of the refusal.
  [[nodiscard]] bool may_speak() const noexcept { return admission_ != nullptr; }
  /// True for a place beyond the limits, which is to be free again soon: one request is answered in it.
  [[nodiscard]] bool is_brief() const noexcept { return kind_ != Kind::kNone && kind_ != Kind::kOrdinary; }

 private:
  friend class Admission;
  Admission* admission_ = nullptr;
  Client* client_ = nullptr;  // none for Unix sockets, and for who is turned away
  Kind kind_ = Kind::kNone;
  bool is_administrator_ = false;
  http::Refusal refusal_ = http::Refusal::kNone;
};

}  // namespace httpd::server
