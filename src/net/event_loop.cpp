// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <system_error>

namespace httpd::net {
namespace {

UniqueFd checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return UniqueFd(fd);
}

}  // namespace

EventLoop::EventLoop()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      timer_fd_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")),
      wake_fd_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      now_(std::chrono::steady_clock::now()),
      wheel_(now_) {
  for (UniqueFd* fd : {&timer_fd_, &wake_fd_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0)
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

int EventLoop::try_add(int fd, std::uint32_t events, EventHandler& handler) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void EventLoop::add(int fd, std::uint32_t events, EventHandler& handler) {
  if (const int error = try_add(fd, events, handler); error != 0)
    throw std::system_error(error, std::generic_category(), "epoll_ctl");
}

void EventLoop::change(int fd, std::uint32_t events, EventHandler& handler) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);  // what is there already needs no memory
}

void EventLoop::remove(int fd, EventHandler& handler) noexcept {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = next_; i < pending_; ++i)
    if (events_[static_cast<std::size_t>(i)].data.ptr == &handler)
      events_[static_cast<std::size_t>(i)].data.ptr = nullptr;
}

void EventLoop::refresh_time() noexcept {
  timespec coarse{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
  const std::int64_t ticked = std::int64_t{coarse.tv_sec} * 1'000'000'000 + coarse.tv_nsec;
  if (ticked == ticked_) return;
  ticked_ = ticked;
  now_ = std::chrono::steady_clock::now();
}

void EventLoop::run_once() {
  turn(0);
  // Work that waits for the next turn must be seen by whoever polls our descriptor.
  if (!tasks_.empty() || timers_due_) wake();
}

void EventLoop::run() {
  stopped_ = false;
  while (!stopped_)
    turn(tasks_.empty() && !timers_due_ ? -1 : 0);
}

void EventLoop::stop() noexcept {
  stopped_ = true;
  wake();
}

void EventLoop::turn(int timeout_ms) {
  const int count = ::epoll_wait(epoll_.get(), events_.data(), kBatch, timeout_ms);
  if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
  refresh_time();
  const TimePoint woke = now_;
  in_turn_ = true;
  pending_ = count > 0 ? count : 0;
  for (next_ = 0; next_ < pending_;) {
    const epoll_event event = events_[static_cast<std::size_t>(next_++)];
    std::uint64_t ticks = 0;
    if (event.data.ptr == nullptr) continue;
    if (event.data.ptr == &timer_fd_) {
      if (::read(timer_fd_.get(), &ticks, sizeof ticks) > 0) {
        timers_due_ = true;
        fired_ = timer_set_to_;
      }
      timer_set_to_ = Timer::kNever;
    } else if (event.data.ptr == &wake_fd_) {
      awake_ = ::read(wake_fd_.get(), &ticks, sizeof ticks) < 0 && awake_;
    } else {
      static_cast<EventHandler*>(event.data.ptr)->on_events(event.events);
    }
  }
  pending_ = next_ = 0;

  full_batches_ = count == kBatch ? full_batches_ + 1 : 0;
  if (timers_due_ && (full_batches_ == 0 || full_batches_ > kMaxFullBatches)) {
    timers_due_ = false;
    full_batches_ = 0;
    // Only what ran out before the events of this turn were fetched: what arrived since, while a handler was
    // busy, is looked at before its limit is. now() may be behind the clock that the timer goes by.
    wheel_.expire(std::max(woke, fired_));
    refresh_time();
  }
  running_.splice(tasks_);
  while (!running_.empty())
    running_.pop_front().run();
  in_turn_ = false;
  if (!timers_due_) set_timer();
}

void EventLoop::arm(Timer& timer, Duration delay) noexcept {
  wheel_.arm(timer, now_ + delay);
  if (!in_turn_) set_timer();
}

void EventLoop::post(Task& task) noexcept {
  if (task.linked()) return;
  tasks_.push_back(task);
  if (!in_turn_) wake();
}

void EventLoop::set_timer() noexcept {
  const TimePoint wakeup = wheel_.next_wakeup();
  if (wakeup >= timer_set_to_) return;
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(wakeup.time_since_epoch()).count();
  itimerspec spec{};
  spec.it_value.tv_sec = nanoseconds / 1'000'000'000;
  spec.it_value.tv_nsec = nanoseconds % 1'000'000'000;
  if (::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0) {
    timer_set_to_ = wakeup;
  } else {
    wake();  // the next turn tries again
  }
}

void EventLoop::wake() noexcept {
  if (awake_) return;
  const std::uint64_t one = 1;
  awake_ = ::write(wake_fd_.get(), &one, sizeof one) == sizeof one;
}

}  // namespace httpd::net
