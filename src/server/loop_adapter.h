// The event loop as handlers see it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/log.h>
#include <httpd/loop.h>

#include "net/event_loop.h"

namespace httpd::server {

/// Gives handlers timers and descriptors on the engine's loop; their exceptions end in the log. Subscriptions
/// that outlive it fall silent.
class LoopAdapter final : public Loop {
 public:
  /// A subscription's link to the adapter.
  class Attached : public net::ListNode<Attached> {
   public:
    /// Leaves the loop; it may be gone after this.
    virtual void detach() noexcept = 0;

   protected:
    virtual ~Attached() = default;
  };

  LoopAdapter(net::EventLoop& loop, Log& log) noexcept : loop_(loop), log_(log) {}
  LoopAdapter(const LoopAdapter&) = delete;
  LoopAdapter& operator=(const LoopAdapter&) = delete;
  ~LoopAdapter() override;
  [[nodiscard]] std::unique_ptr<Subscription> after(std::chrono::milliseconds delay,
                                                    std::function<void()> callback) override;
  [[nodiscard]] std::unique_ptr<Subscription> watch(int descriptor, std::function<void()> callback) override;

 private:
  net::EventLoop& loop_;
  Log& log_;
  net::IntrusiveList<Attached> subscriptions_;
};

}  // namespace httpd::server
