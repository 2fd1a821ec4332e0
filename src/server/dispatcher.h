// Having requests answered by handlers that run elsewhere.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <sys/types.h>
#include <vector>

#include <httpd/reply.h>

#include "net/timer_wheel.h"

namespace httpd::server {

class Exchange;

/// Where a server takes its requests when no handler is to run in its own process.
class Dispatcher {
 public:
  /// Has the route's handler answer `request`, now or later, through `reply`. `request` is complete and stays
  /// valid until `reply` is sent or destroyed. It may throw: the client gets a 500 then.
  virtual void dispatch(Exchange& request, Reply reply) = 0;
  /// True while no request can be expected to be answered.
  [[nodiscard]] virtual bool is_stuck() const noexcept { return false; }
  struct Worker {
    unsigned number;  ///< from 1
    pid_t process;
    std::string_view root{};  ///< of the handler that runs there; "" for none. As long-lived as the router
    net::TimePoint since{};   ///< when that began
  };
  /// The handler processes that are there, by their numbers.
  [[nodiscard]] virtual std::vector<Worker> workers() const { return {}; }

 protected:
  ~Dispatcher() = default;
};

}  // namespace httpd::server
