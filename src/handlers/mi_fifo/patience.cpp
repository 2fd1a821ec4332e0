// The time of a batch, and a short list of dead names.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/patience.h"

#include <algorithm>

namespace httpd::mi_fifo {

Patience::Milliseconds Patience::at_most(Milliseconds wanted) const noexcept {
  return std::min(wanted, std::chrono::ceil<Milliseconds>(left_));
}

void Patience::spend(Clock::duration time) noexcept {
  left_ = std::max(left_ - time, Clock::duration::zero());
}

void Patience::add_dead(std::string_view name, Clock::time_point now) {
  std::erase_if(dead_, [=](const DeadName& entry) { return entry.until <= now || entry.name == name; });
  if (dead_.size() == kMaxDeadNames) dead_.erase(dead_.begin());
  dead_.push_back({std::string(name), now + kDeadNameTime});
}

bool Patience::is_dead(std::string_view name, Clock::time_point now) const noexcept {
  return std::any_of(dead_.begin(), dead_.end(),
                     [=](const DeadName& entry) { return entry.until > now && entry.name == name; });
}

}  // namespace httpd::mi_fifo
