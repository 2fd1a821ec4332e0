// The event loop that handlers share with the engine.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace httpd {

/// The event loop of the process that a handler runs in. Callbacks run on it, between requests; like handlers
/// they hold up everything else in the process while they run.
class Loop {
 public:
  /// What after() and watch() return: the callback is called no more once it is destroyed.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  virtual ~Loop() = default;
  /// Calls `callback` once, not earlier than `delay` from now and within 0.3 s after that.
  [[nodiscard]] virtual std::unique_ptr<Subscription> after(std::chrono::milliseconds delay,
                                                            std::function<void()> callback) = 0;
  /// Calls `callback` whenever `descriptor` is readable or has failed (level-triggered). The descriptor stays
  /// the caller's and must stay open until the subscription is destroyed. Throws std::system_error.
  [[nodiscard]] virtual std::unique_ptr<Subscription> watch(int descriptor,
                                                            std::function<void()> callback) = 0;
};

}  // namespace httpd
