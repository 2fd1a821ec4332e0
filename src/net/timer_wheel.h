// Time limits for very many connections: arming one costs a comparison, and expiring one costs a list step.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "net/intrusive_list.h"

namespace httpd::net {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class TimerWheel;

/// A time limit. Derive and implement on_timer(). A timer that is destroyed never fires.
class Timer : public ListNode<Timer> {
 public:
  static constexpr TimePoint kNever = TimePoint::max();
  virtual ~Timer() = default;
  /// Called once when the deadline has passed, at most TimerWheel::kTick late. It may arm this timer again,
  /// and destroy this or any other timer.
  virtual void on_timer() = 0;
  /// Takes the deadline away. The timer does not fire until it is armed again.
  void cancel() noexcept { deadline_ = kNever; }

 private:
  friend class TimerWheel;
  TimePoint deadline_ = kNever;
  std::int64_t tick_ = 0;  // the tick whose slot it is linked in
};

/// A hashed timing wheel. A deadline that is moved later, as happens with each request on a kept connection,
/// only rewrites a number: the timer is looked at again when its old slot comes by.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(32);
  static constexpr std::int64_t kSlots = 1024;

  explicit TimerWheel(TimePoint now) noexcept : current_(tick_of(now)) {}
  /// Sets the deadline of `timer`, which must belong to this wheel or to none.
  void arm(Timer& timer, TimePoint deadline) noexcept;
  /// Fires all timers whose deadline is not after `now`.
  void expire(TimePoint now);
  /// When expire() has to be called next, Timer::kNever when there is no timer. It may turn out that nothing
  /// is due.
  [[nodiscard]] TimePoint next_wakeup() const noexcept {
    return earliest_ == kNoTick ? Timer::kNever : TimePoint(earliest_ * kTick);
  }

 private:
  static std::int64_t tick_of(TimePoint time) noexcept { return time.time_since_epoch() / kTick; }
  void link(Timer& timer) noexcept;
  [[nodiscard]] std::int64_t find_earliest() const noexcept;

  static constexpr std::int64_t kNoTick = std::numeric_limits<std::int64_t>::max();

  std::array<IntrusiveList<Timer>, kSlots> slots_;
  std::array<std::uint64_t, kSlots / 64> occupied_{};
  std::int64_t current_;             // every tick before this one has been expired
  std::int64_t earliest_ = kNoTick;  // the first one whose slot is occupied
};

}  // namespace httpd::net
