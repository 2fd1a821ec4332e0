// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/loop_adapter.h"

#include <utility>

#include "server/handler_call.h"

namespace httpd::server {
namespace {

class TimerSubscription final : public Loop::Subscription, public LoopAdapter::Attached, private net::Timer {
 public:
  TimerSubscription(net::EventLoop& loop, Log& log, std::chrono::milliseconds delay,
                    std::function<void()> callback)
      : log_(log), callback_(std::move(callback)) {
    loop.set_exact_time();
    loop.arm(*this, delay);
  }
  void detach() noexcept override { net::ListNode<net::Timer>::unlink(); }

 private:
  void on_timer() override {
    const std::function<void()> callback = std::move(callback_);
    call_handler(callback, log_);
  }
  Log& log_;
  std::function<void()> callback_;
};

class DescriptorSubscription final : public Loop::Subscription,
                                     public LoopAdapter::Attached,
                                     private net::EventHandler {
 public:
  DescriptorSubscription(net::EventLoop& loop, Log& log, int descriptor, std::function<void()> callback)
      : loop_(loop),
        log_(log),
        descriptor_(descriptor),
        callback_(std::make_shared<Callback>(std::move(callback))) {
    loop_.add(descriptor_, EPOLLIN, *this);
  }
  ~DescriptorSubscription() override { detach(); }
  DescriptorSubscription(const DescriptorSubscription&) = delete;
  DescriptorSubscription& operator=(const DescriptorSubscription&) = delete;
  void detach() noexcept override {
    if (std::exchange(attached_, false)) loop_.remove(descriptor_, *this);
  }

 private:
  using Callback = std::function<void()>;
  void on_events(std::uint32_t /*events*/) override {
    Log& log = log_;
    const std::shared_ptr<Callback> callback = callback_;
    call_handler(*callback, log);
  }
  net::EventLoop& loop_;
  Log& log_;
  int descriptor_;
  bool attached_ = true;
  std::shared_ptr<Callback>
      callback_;  // shared with the call in progress, which may destroy this subscription
};

}  // namespace

LoopAdapter::~LoopAdapter() {
  while (!subscriptions_.empty())
    subscriptions_.pop_front().detach();
}

std::unique_ptr<Loop::Subscription> LoopAdapter::after(std::chrono::milliseconds delay,
                                                       std::function<void()> callback) {
  auto subscription = std::make_unique<TimerSubscription>(loop_, log_, delay, std::move(callback));
  subscriptions_.push_back(*subscription);
  return subscription;
}

std::unique_ptr<Loop::Subscription> LoopAdapter::watch(int descriptor, std::function<void()> callback) {
  auto subscription = std::make_unique<DescriptorSubscription>(loop_, log_, descriptor, std::move(callback));
  subscriptions_.push_back(*subscription);
  return subscription;
}

}  // namespace httpd::server
