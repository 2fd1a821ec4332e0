// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/event_loop.h"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace httpd::net {
namespace {

using namespace std::chrono_literals;

struct Handler final : EventHandler {
  explicit Handler(std::function<void(std::uint32_t)> f) : action(std::move(f)) {}
  void on_events(std::uint32_t events) override { action(events); }
  std::function<void(std::uint32_t)> action;
};

struct TestTimer final : Timer {
  explicit TestTimer(std::function<void()> f) : action(std::move(f)) {}
  void on_timer() override { action(); }
  std::function<void()> action;
};

struct TestTask final : Task {
  explicit TestTask(std::function<void()> f) : action(std::move(f)) {}
  void run() override { action(); }
  std::function<void()> action;
};

/// What a host's own loop does: wait for the descriptor, then run_once().
bool poll_host(EventLoop& loop, int timeout_ms) {
  pollfd waiting{loop.descriptor(), POLLIN, 0};
  return ::poll(&waiting, 1, timeout_ms) == 1;
}

UniqueFd ready_descriptor() {
  return UniqueFd(::eventfd(1, EFD_NONBLOCK));
}

TEST(EventLoop, HandsEventsOver) {
  EventLoop loop;
  const UniqueFd fd = ready_descriptor();
  int calls = 0;
  Handler handler([&](std::uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    ++calls;
  });
  loop.add(fd.get(), EPOLLIN, handler);
  loop.run_once();
  EXPECT_EQ(calls, 1);
  loop.remove(fd.get(), handler);
  loop.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, NestsAndIsQuietWhenNothingIsToDo) {
  EventLoop loop;
  EXPECT_FALSE(poll_host(loop, 0));
  loop.run_once();
  EXPECT_FALSE(poll_host(loop, 50));
}

TEST(EventLoop, ATimerAloneMakesTheDescriptorReadable) {
  EventLoop loop;
  int fired = 0;
  TestTimer timer([&] { ++fired; });
  loop.arm(timer, 60ms);
  const auto start = std::chrono::steady_clock::now();
  while (fired == 0 && std::chrono::steady_clock::now() < start + 5s) {
    ASSERT_TRUE(poll_host(loop, 5000));
    loop.run_once();
  }
  EXPECT_EQ(fired, 1);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 60ms);
  loop.run_once();
  EXPECT_FALSE(poll_host(loop, 0));
}

TEST(EventLoop, APostedTaskMakesTheDescriptorReadable) {
  EventLoop loop;
  int runs = 0;
  TestTask* again = nullptr;
  TestTask task([&] {
    if (++runs < 3) loop.post(*again);
  });
  again = &task;
  loop.post(task);
  loop.post(task);
  for (int turns = 0; turns < 10 && poll_host(loop, 0); ++turns)
    loop.run_once();
  EXPECT_EQ(runs, 3);
  EXPECT_FALSE(poll_host(loop, 0));
}

TEST(EventLoop, AHandlerRemovedInTheSameTurnIsNotCalled) {
  EventLoop loop;
  std::vector<UniqueFd> fds;
  std::vector<std::unique_ptr<Handler>> handlers;
  int calls = 0;
  for (int i = 0; i < 10; ++i) {
    fds.push_back(ready_descriptor());
    handlers.push_back(std::make_unique<Handler>([&](std::uint32_t) {
      ++calls;
      // Whoever comes first destroys all the others.
      for (std::size_t k = 0; k < handlers.size(); ++k)
        if (handlers[k] && fds[k]) {
          loop.remove(fds[k].get(), *handlers[k]);
          fds[k].reset();
        }
    }));
    loop.add(fds.back().get(), EPOLLIN, *handlers.back());
  }
  loop.run_once();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, TellsWhoeverHasATurnWhetherOthersWait) {
  EventLoop loop;
  std::vector<bool> told;
  const UniqueFd one = ready_descriptor();
  const UniqueFd other = ready_descriptor();
  Handler handler([&](std::uint32_t /*events*/) { told.push_back(loop.others_wait()); });
  loop.add(one.get(), EPOLLIN | EPOLLET, handler);
  loop.add(other.get(), EPOLLIN | EPOLLET, handler);
  EXPECT_FALSE(loop.others_wait());
  loop.run_once();
  EXPECT_EQ(told, (std::vector<bool>{true, false}));

  told.clear();
  TestTask first([&] { told.push_back(loop.others_wait()); });
  TestTask second([&] { told.push_back(loop.others_wait()); });
  loop.post(first);
  loop.post(second);
  loop.run_once();
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
  loop.remove(one.get(), handler);
  loop.remove(other.get(), handler);
}

TEST(EventLoop, RunReturnsAfterStop) {
  EventLoop loop;
  TestTimer timer([&] { loop.stop(); });
  loop.arm(timer, 1ms);
  loop.run();
  TestTask task([&] { loop.stop(); });
  loop.post(task);
  loop.run();
}

TEST(EventLoop, TwoLoopsLiveInOneProcess) {
  EventLoop outer;
  EventLoop inner;
  int fired = 0;
  TestTimer timer([&] { ++fired; });
  Handler nested([&](std::uint32_t) {
    inner.run_once();
    if (fired == 1) outer.stop();
  });
  outer.add(inner.descriptor(), EPOLLIN, nested);
  inner.arm(timer, 10ms);
  outer.run();
  EXPECT_EQ(fired, 1);
}

TEST(EventLoop, AddingTwiceIsAnErrorWithItsNumber) {
  EventLoop loop;
  const UniqueFd fd = ready_descriptor();
  Handler handler([](std::uint32_t) {});
  loop.add(fd.get(), EPOLLIN, handler);
  EXPECT_EQ(loop.try_add(fd.get(), EPOLLIN, handler), EEXIST);
  EXPECT_THROW(loop.add(fd.get(), EPOLLIN, handler), std::system_error);
}

TEST(EventLoop, ItsTimeIsNeverFarBehindNorAhead) {
  EventLoop loop;
  const auto end = std::chrono::steady_clock::now() + 200ms;
  for (auto now = std::chrono::steady_clock::now(); now < end; now = std::chrono::steady_clock::now()) {
    const TimePoint before = loop.now();
    loop.refresh_time();
    ASSERT_GE(loop.now(), before);
    ASSERT_LE(loop.now(), std::chrono::steady_clock::now());
  }
  ::usleep(50'000);
  const auto slept = std::chrono::steady_clock::now();
  loop.refresh_time();
  EXPECT_GT(loop.now(), slept - 40ms) << "the kernel's clock has ticked since";
}

TEST(EventLoop, ATimerCostsOneTurnAlsoWhereTheClockIsBehind) {
  EventLoop loop;
  bool fired = false;
  TestTimer timer([&] { fired = true; });
  loop.arm(timer, 100ms);
  pollfd waiting{loop.descriptor(), POLLIN, 0};
  int turns = 0;
  for (; !fired && turns < 1000; ++turns) {
    ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
    loop.run_once();
  }
  EXPECT_TRUE(fired);
  EXPECT_LE(turns, 2);
}

TEST(EventLoop, WhatArrivedWhileAHandlerWasBusyComesBeforeItsLimit) {
  EventLoop loop;
  const UniqueFd busy = ready_descriptor();
  const UniqueFd late(::eventfd(0, EFD_NONBLOCK));
  bool timed_out = false;
  bool arrived = false;
  TestTimer limit([&] { timed_out = true; });
  TestTimer start([&] {});
  Handler slow([&](std::uint32_t) {
    loop.remove(busy.get(), slow);
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(late.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    ::usleep(300'000);  // longer than the limit
    loop.refresh_time();
  });
  Handler quick([&](std::uint32_t) {
    arrived = true;
    limit.cancel();
    loop.remove(late.get(), quick);
  });
  loop.add(late.get(), EPOLLIN, quick);
  loop.arm(limit, 100ms);
  loop.arm(start, 1ms);
  ::usleep(80'000);  // so that the timer's own event is in the same turn as the slow handler
  loop.add(busy.get(), EPOLLIN, slow);
  const auto begin = std::chrono::steady_clock::now();
  while (!arrived && std::chrono::steady_clock::now() < begin + 5s)
    loop.run_once();
  loop.run_once();
  EXPECT_TRUE(arrived);
  EXPECT_FALSE(timed_out);
}

}  // namespace
}  // namespace httpd::net
