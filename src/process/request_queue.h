// The order in which requests get handler processes.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "net/intrusive_list.h"
#include "server/router.h"

namespace httpd::process {

/// Requests that wait, first come first served, but for those of a root that has as many handler processes as
/// it may have: others go before them.
class RequestQueue {
 public:
  struct Limits {
    std::size_t waiting = 0;   ///< requests in all
    std::size_t per_root = 1;  ///< handler processes that one root may have at a time
  };
  /// A request, while it waits. Leaves the queue by remove() alone.
  class Item : public net::ListNode<Item> {
   public:
    [[nodiscard]] const server::Route& route() const noexcept { return *route_; }

   protected:
    ~Item() = default;
    void set_route(const server::Route& route) noexcept { route_ = &route; }

   private:
    friend class RequestQueue;
    const server::Route* route_ = nullptr;
    std::uint64_t order_ = 0;
  };

  /// `router` must outlive the queue, and not change. Throws std::bad_alloc.
  RequestQueue(const Limits& limits, const server::Router& router);

  /// Other limits from now on; what waits or runs beyond them goes on.
  void limit(const Limits& limits) noexcept { limits_ = limits; }
  /// Whether one more request may wait for this root. Where none of it does, one may, however many of others
  /// do: those who ask for little are not to suffer from those who ask for much.
  [[nodiscard]] bool has_room(const server::Route& route) const noexcept;
  void push(Item& item) noexcept;
  /// Puts an item that next() gave back where it was.
  void put_back(Item& item) noexcept;
  void remove(Item& item) noexcept;
  /// Takes out the request whose turn it is; null when none may be handled now.
  [[nodiscard]] Item* next() noexcept;
  /// Any request that waits; null when none does.
  [[nodiscard]] Item* any() noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Whether a request of this root may have a handler process, if there is one.
  [[nodiscard]] bool may_start(const server::Route& route) const noexcept;
  /// A handler process has begun with a request of this root, and is done with it.
  void started(const server::Route& route) noexcept { ++root(route).running; }
  void ended(const server::Route& route) noexcept { --root(route).running; }

 private:
  struct Root {
    net::IntrusiveList<Item> waiting;
    std::size_t count = 0;
    std::size_t running = 0;
  };
  Root& root(const server::Route& route) noexcept { return roots_.find(&route)->second; }
  [[nodiscard]] const Root& root(const server::Route& route) const noexcept {
    return roots_.find(&route)->second;
  }

  Limits limits_;
  std::unordered_map<const server::Route*, Root> roots_;
  std::size_t size_ = 0;
  std::uint64_t order_ = 0;
};

}  // namespace httpd::process
