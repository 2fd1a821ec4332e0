// How often a client may be wrong about credentials. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>

#include "net/address.h"
#include "net/event_loop.h"
#include "net/intrusive_list.h"
#include "server/access/client_key.h"

namespace httpd::server {

/// Slows down those who guess: so many attempts at once, and then one in each interval. Attempts that take
/// time count when they begin, so that many at a time are no way round it, and good ones are taken back.
class Attempts {
 public:
  /// Clients that are remembered; beyond these the one that tried longest ago is forgotten.
  static constexpr std::size_t kRemembered = 16384;
  /// The longest that an attempt waits for its turn; one that would wait longer is to be refused.
  static constexpr net::Duration kPatience = std::chrono::seconds(10);

  /// `free`: attempts at once; 0: no limit. `loop`, for its clock, must outlive it.
  Attempts(std::size_t free, std::chrono::seconds interval, const net::EventLoop& loop);

  /// Other limits from now on. Where they differ from those before, everybody begins anew.
  void limit(std::size_t free, std::chrono::seconds interval) noexcept;
  /// How long `client` has to wait for its next attempt.
  [[nodiscard]] net::Duration wait_of(const net::Address& client) const noexcept;
  /// Counts an attempt. Throws std::bad_alloc.
  void begin(const net::Address& client);
  /// Takes one back.
  void forgive(const net::Address& client) noexcept;

 private:
  struct Client : net::ListNode<Client> {
    ClientKey key;
    net::TimePoint free_at{};  // when all attempts are free again
  };
  void forget() noexcept;

  const net::EventLoop& loop_;
  net::Duration interval_{};
  net::Duration tolerance_{};
  bool limited_ = false;
  std::unordered_map<ClientKey, Client, ClientKey::Hash> clients_;
  net::IntrusiveList<Client> by_time_;  // the one that tried longest ago in front
};

}  // namespace httpd::server
