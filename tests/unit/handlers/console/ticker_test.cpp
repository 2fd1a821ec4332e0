// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/ticker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "fakes.h"

namespace httpd::console {
namespace {

bool is_readable(int descriptor, int timeout_ms) {
  pollfd one{descriptor, POLLIN, 0};
  return ::poll(&one, 1, timeout_ms) == 1;
}

TEST(ConsoleTicker, OnceASecond) {
  FakeLoop loop;
  int times = 0;
  const Ticker ticker(loop, [&times] { ++times; });
  itimerspec set{};
  ASSERT_EQ(::timerfd_gettime(loop.watched(), &set), 0);
  EXPECT_EQ(set.it_interval.tv_sec, 1);
  EXPECT_EQ(set.it_interval.tv_nsec, 0);
  EXPECT_EQ(times, 0);
}

TEST(ConsoleTicker, OnceForSeveralSeconds) {
  FakeLoop loop;
  int times = 0;
  const Ticker ticker(loop, [&times] { ++times; });
  const int timer = loop.watched();
  // Many times before anybody looks, and then never again.
  const itimerspec fast{{0, 1000}, {0, 1}};
  const itimerspec once{{0, 0}, {0, 1}};
  ASSERT_EQ(::timerfd_settime(timer, 0, &fast, nullptr), 0);
  ASSERT_TRUE(is_readable(timer, 10'000));
  ASSERT_EQ(::timerfd_settime(timer, 0, &once, nullptr), 0);
  ASSERT_TRUE(is_readable(timer, 10'000));
  loop.readable(timer);
  EXPECT_EQ(times, 1);
  EXPECT_FALSE(is_readable(timer, 0));
  loop.readable(timer);
  EXPECT_EQ(times, 1) << "not before it is due";
}

TEST(ConsoleTicker, EndsWithItsDescriptor) {
  FakeLoop loop;
  int timer = -1;
  {
    const Ticker ticker(loop, [] {});
    timer = loop.watched();
    EXPECT_GE(::fcntl(timer, F_GETFD), 0);
  }
  EXPECT_EQ(loop.size(), 0U);
  EXPECT_EQ(::fcntl(timer, F_GETFD), -1);
}

}  // namespace
}  // namespace httpd::console
