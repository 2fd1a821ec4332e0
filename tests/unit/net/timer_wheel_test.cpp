// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/timer_wheel.h"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <vector>

namespace httpd::net {
namespace {

using namespace std::chrono_literals;

class TestTimer final : public Timer {
 public:
  explicit TestTimer(std::function<void()> action = [] {}) : action_(std::move(action)) {}
  void on_timer() override {
    ++fired;
    action_();
  }
  int fired = 0;

 private:
  std::function<void()> action_;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  TimePoint start{1000s};
  TimerWheel wheel{start};
};

TEST_F(TimerWheelTest, FiresNotBeforeAndAtMostTwoTicksAfterTheDeadline) {
  // Every delay from below a tick to beyond the wheel's span.
  for (const Duration delay : {Duration(0ms), Duration(1ms), Duration(32ms), Duration(33ms), Duration(999ms),
                               Duration(30s), Duration(32'767ms), Duration(32'769ms), Duration(100s)}) {
    TimerWheel fresh(start);
    TestTimer timer;
    fresh.arm(timer, start + delay);
    TimePoint now = start;
    while (timer.fired == 0 && now < start + delay + 10s) {
      now = fresh.next_wakeup();
      ASSERT_NE(now, Timer::kNever);
      fresh.expire(now);
    }
    EXPECT_EQ(timer.fired, 1);
    EXPECT_GE(now, start + delay);
    EXPECT_LE(now, start + delay + 2 * TimerWheel::kTick);
    EXPECT_EQ(fresh.next_wakeup(), Timer::kNever);
  }
}

TEST_F(TimerWheelTest, MovingADeadlineLaterOnlyPostpones) {
  TestTimer timer;
  wheel.arm(timer, start + 1s);
  wheel.arm(timer, start + 5s);
  wheel.expire(start + 4s);
  EXPECT_EQ(timer.fired, 0);
  wheel.expire(start + 5s + 2 * TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, MovingADeadlineEarlierTakesEffect) {
  TestTimer timer;
  wheel.arm(timer, start + 20s);
  wheel.arm(timer, start + 1s);
  wheel.expire(start + 1s + 2 * TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 1);
  wheel.expire(start + 30s);
  EXPECT_EQ(timer.fired, 1);
}

TEST_F(TimerWheelTest, TellsTheEarliestWakeupWhateverTheOrder) {
  TestTimer late;
  TestTimer early;
  TestTimer middle;
  wheel.arm(late, start + 20s);
  const TimePoint first = wheel.next_wakeup();
  wheel.arm(early, start + 2s);
  EXPECT_LT(wheel.next_wakeup(), first);
  EXPECT_GE(wheel.next_wakeup(), start + 2s);
  wheel.arm(middle, start + 5s);
  EXPECT_LT(wheel.next_wakeup(), start + 3s);
  wheel.expire(start + 3s);
  EXPECT_EQ(early.fired, 1);
  EXPECT_GE(wheel.next_wakeup(), start + 5s);
  EXPECT_LT(wheel.next_wakeup(), start + 6s);
  wheel.expire(start + 7s);
  EXPECT_EQ(wheel.next_wakeup(), first);
}

TEST_F(TimerWheelTest, CancelledAndDestroyedTimersDoNotFire) {
  TestTimer cancelled;
  wheel.arm(cancelled, start + 1s);
  cancelled.cancel();
  {
    TestTimer gone;
    wheel.arm(gone, start + 1s);
  }
  wheel.expire(start + 10s);
  EXPECT_EQ(cancelled.fired, 0);
  wheel.arm(cancelled, start + 11s);
  wheel.expire(start + 12s);
  EXPECT_EQ(cancelled.fired, 1);
}

TEST_F(TimerWheelTest, ATimerMayArmItselfAgainAndDestroyOthers) {
  auto victim = std::make_unique<TestTimer>();
  TestTimer* again = nullptr;
  TestTimer timer([&] {
    victim.reset();
    if (again->fired < 3) wheel.arm(*again, start + again->fired * 1s + 1s);
  });
  again = &timer;
  wheel.arm(timer, start + 1s);
  wheel.arm(*victim, start + 1s);
  for (int i = 1; i <= 50; ++i)
    wheel.expire(start + i * 100ms);
  EXPECT_EQ(timer.fired, 3);
}

TEST_F(TimerWheelTest, AfterALongStallEverythingDueFires) {
  std::vector<std::unique_ptr<TestTimer>> timers;
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(std::make_unique<TestTimer>());
    wheel.arm(*timers.back(), start + std::chrono::milliseconds(random() % 120'000));
  }
  wheel.expire(start + 3600s);
  for (const auto& timer : timers)
    EXPECT_EQ(timer->fired, 1);
}

}  // namespace
}  // namespace httpd::net
