// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/log_throttle.h"

#include <gtest/gtest.h>

#include "fixture.h"

namespace httpd::server {
namespace {

TEST(LogThrottle, LetsSoManyThroughASecondAndTellsOfTheRest) {
  TestLog log;
  LogThrottle throttle;
  net::TimePoint now{std::chrono::seconds(100)};
  unsigned admitted = 0;
  for (int i = 0; i < 1000; ++i)
    admitted += throttle.admit(log, now) ? 1U : 0U;
  EXPECT_EQ(admitted, LogThrottle::kLinesASecond);
  EXPECT_TRUE(log.lines.empty());
  now += std::chrono::seconds(1);
  EXPECT_TRUE(throttle.admit(log, now));
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_TRUE(log.contains(std::to_string(1000 - LogThrottle::kLinesASecond)));
}

TEST(ThrottledLog, WritesAsManyASecond) {
  TestLog log;
  net::EventLoop loop;
  ThrottledLog throttled(log, loop);
  for (unsigned i = 0; i < LogThrottle::kLinesASecond + 100; ++i)
    throttled.write(LogLevel::kError, "the handler failed");
  EXPECT_EQ(log.lines.size(), LogThrottle::kLinesASecond);
}

}  // namespace
}  // namespace httpd::server
