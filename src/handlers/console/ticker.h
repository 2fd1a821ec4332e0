// A second hand.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include <httpd/loop.h>

namespace httpd::console {

/// Calls a function once a second, and once where the process was held up for several of them.
class Ticker {
 public:
  /// `loop` must outlive it. Nothing is allocated later on, so that no want of memory stops it. Throws
  /// std::system_error.
  Ticker(Loop& loop, std::function<void()> callback);
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  ~Ticker();

 private:
  int timer_;
  std::unique_ptr<Loop::Subscription> subscription_;
};

}  // namespace httpd::console
