// The event loop of a process: one epoll descriptor with the timers in it, so that it nests in a host's own
// loop. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <sys/epoll.h>

#include "net/intrusive_list.h"
#include "net/timer_wheel.h"
#include "net/unique_fd.h"

namespace httpd::net {

/// Told about the events of a descriptor.
class EventHandler {
 public:
  /// `events` as epoll_wait(2) gives them. May remove any descriptor from the loop, and destroy this object.
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EventHandler() = default;
};

/// Work to do once, soon, from the loop itself and not from inside somebody else's call.
class Task : public ListNode<Task> {
 public:
  virtual void run() = 0;

 protected:
  ~Task() = default;
};

/// An epoll(7) loop. Not for use by two threads.
///
/// Either run() owns the process, or a host polls descriptor() in its own loop and calls run_once() when it
/// is readable. In both cases nothing is ever late: timers and postponed work make the descriptor readable by
/// themselves.
class EventLoop {
 public:
  /// Throws std::system_error when the kernel has no descriptors left.
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop() = default;

  /// The descriptor for a host's loop: readable (level-triggered) when run_once() has something to do.
  [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }
  /// Handles what is ready and returns. Never blocks.
  void run_once();
  /// Handles events until stop() is called.
  void run();
  /// Makes run() return after the events that it is handling.
  void stop() noexcept;

  /// Watches `fd` for `events` (EPOLLIN …, EPOLLET). `handler` must stay until remove(). Throws
  /// std::system_error.
  void add(int fd, std::uint32_t events, EventHandler& handler);
  /// Like add(), but answers errno instead of throwing; 0 when all is well.
  [[nodiscard]] int try_add(int fd, std::uint32_t events, EventHandler& handler) noexcept;
  /// Watches a descriptor that add() has taken for other events from now on.
  void change(int fd, std::uint32_t events, EventHandler& handler) noexcept;
  /// Stops watching. `handler` is not called any more, not even for events already fetched.
  void remove(int fd, EventHandler& handler) noexcept;

  /// The time when the loop last woke, or refresh_time() was called, or up to a tick of the kernel's clock (1
  /// to 10 ms) before that. Costs nothing.
  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  /// To be called after work that may have taken long, so that limits armed next count from the present.
  /// Costs a quarter of what asking for the exact time does, which is only done once the kernel's clock has
  /// ticked.
  void refresh_time() noexcept;
  /// The same, but now() is behind nothing after it: for a promise of "not earlier".
  void set_exact_time() noexcept { now_ = std::chrono::steady_clock::now(); }
  /// Arms `timer` to fire after `delay` from now().
  void arm(Timer& timer, Duration delay) noexcept;
  /// Whether others are ready in this turn: who has had his share lets them go first.
  [[nodiscard]] bool others_wait() const noexcept { return next_ < pending_ || !running_.empty(); }
  /// Runs `task` in the next turn of the loop. Does nothing when it is already waiting.
  void post(Task& task) noexcept;

 private:
  static constexpr int kBatch = 256;
  /// How many full batches of events may go before the timers: a client whose bytes are already here is not
  /// timed out because this process was busy.
  static constexpr int kMaxFullBatches = 8;

  void turn(int timeout_ms);
  void set_timer() noexcept;
  void wake() noexcept;

  UniqueFd epoll_;
  UniqueFd timer_fd_;
  UniqueFd wake_fd_;
  TimePoint now_;
  std::int64_t ticked_ = 0;  // the kernel's clock when now_ was asked for
  TimerWheel wheel_;
  TimePoint timer_set_to_ = Timer::kNever;
  TimePoint fired_{};  // what it was set to when it fired last
  IntrusiveList<Task> tasks_;
  IntrusiveList<Task> running_;  // those of this turn
  std::array<epoll_event, kBatch> events_{};
  int pending_ = 0;  // events_[next_ .. pending_) are still to be handled in this turn
  int next_ = 0;
  int full_batches_ = 0;
  bool timers_due_ = false;
  bool awake_ = false;
  bool stopped_ = false;
  bool in_turn_ = false;  // timer_fd_ is set once at a turn's end, not for each timer armed in it
};

}  // namespace httpd::net
