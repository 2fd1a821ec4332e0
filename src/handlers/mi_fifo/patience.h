// How long clients may keep the MI FIFO process waiting, all of them together.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::mi_fifo {

/// How long a dead reply name is remembered.
inline constexpr std::chrono::milliseconds kDeadNameTime{10'000};
/// The most names that are remembered; the oldest makes room.
inline constexpr std::size_t kMaxDeadNames = 32;

/// The time that may be spent waiting on behalf of one batch of input, and the names of reply FIFOs that
/// nobody opened lately, for which nothing is waited at all. Functions take the time so that tests can set
/// it.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  /// `a_batch` is what each batch of input may spend.
  explicit Patience(Milliseconds a_batch) noexcept : a_batch_(a_batch), left_(a_batch) {}

  /// The next batch begins.
  void renew() noexcept { left_ = a_batch_; }
  /// How long to wait for something that may take `wanted` at most; 0 when this batch has spent its time.
  [[nodiscard]] Milliseconds at_most(Milliseconds wanted) const noexcept;
  void spend(Clock::duration time) noexcept;

  /// Remembers that nobody opened the reply FIFO `name` in time.
  void add_dead(std::string_view name, Clock::time_point now = Clock::now());
  [[nodiscard]] bool is_dead(std::string_view name, Clock::time_point now = Clock::now()) const noexcept;

 private:
  struct DeadName {
    std::string name;
    Clock::time_point until;
  };

  Milliseconds a_batch_;
  Clock::duration left_;
  std::vector<DeadName> dead_;  ///< in the order in which they are forgotten
};

}  // namespace httpd::mi_fifo
