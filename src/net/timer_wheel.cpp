// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace httpd::net {

void TimerWheel::arm(Timer& timer, TimePoint deadline) noexcept {
  timer.deadline_ = deadline;
  if (deadline == Timer::kNever) return;
  if (timer.linked()) {
    if (timer.tick_ <= tick_of(deadline) + 1) return;
    timer.unlink();
  }
  link(timer);
}

void TimerWheel::link(Timer& timer) noexcept {
  // One tick later than the deadline's own, so that the deadline has passed when the slot comes up. A
  // deadline beyond the wheel waits in its last slot and is linked again from there.
  const std::int64_t tick = std::clamp(tick_of(timer.deadline_) + 1, current_, current_ + kSlots - 1);
  timer.tick_ = tick;
  const auto slot = static_cast<std::size_t>(tick % kSlots);
  slots_[slot].push_back(timer);
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  earliest_ = std::min(earliest_, tick);
}

void TimerWheel::expire(TimePoint now) {
  const std::int64_t last = tick_of(now);
  // After a long stall every slot is visited once, not once a tick.
  const std::int64_t first = std::max(current_, last - kSlots + 1);
  for (std::int64_t tick = first; tick <= last; ++tick) {
    current_ = tick + 1;
    const auto slot = static_cast<std::size_t>(tick % kSlots);
    const std::uint64_t mask = std::uint64_t{1} << (slot % 64);
    if ((occupied_[slot / 64] & mask) == 0) continue;
    occupied_[slot / 64] &= ~mask;
    IntrusiveList<Timer> due;
    due.splice(slots_[slot]);
    while (!due.empty()) {
      Timer& timer = due.pop_front();
      if (timer.deadline_ == Timer::kNever) continue;
      if (timer.deadline_ > now) {
        link(timer);
      } else {
        timer.deadline_ = Timer::kNever;
        timer.on_timer();
      }
    }
  }
  earliest_ = find_earliest();
}

std::int64_t TimerWheel::find_earliest() const noexcept {
  for (std::int64_t offset = 0; offset < kSlots;) {
    const auto slot = static_cast<std::size_t>((current_ + offset) % kSlots);
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) return current_ + offset + std::countr_zero(word);
    offset += static_cast<std::int64_t>(64 - slot % 64);
  }
  return kNoTick;
}

}  // namespace httpd::net
