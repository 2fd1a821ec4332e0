// Tests of counting log lines: what is written, what is held back, and when that is told.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/throttled_log.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

#include <httpd/log.h>

namespace httpd::mi_fifo {
namespace {

using std::chrono::milliseconds;

const ThrottledLog::Clock::time_point kNow{std::chrono::hours(1)};

/// Writes nothing less than errors and notices; each line with the number of its level.
class Lines final : public Log {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level <= LogLevel::kNotice; }
  void write(LogLevel level, std::string_view line) noexcept override {
    ++count;
    last = std::to_string(static_cast<int>(level)) + " " + std::string(line);
  }
  std::size_t count = 0;
  std::string last;
};

void write(ThrottledLog& log, std::size_t lines, ThrottledLog::Clock::time_point now,
           LogLevel level = LogLevel::kNotice) {
  for (std::size_t line = 0; line < lines; ++line)
    log.write(level, "line", now);
}

TEST(ThrottledLog, WritesSoManyLinesASecond) {
  Lines lines;
  ThrottledLog log(lines);
  write(log, kMaxLinesPerSecond, kNow);
  EXPECT_EQ(lines.count, kMaxLinesPerSecond);
  EXPECT_EQ(log.due(), ThrottledLog::Clock::time_point::max());
  write(log, kMaxLinesPerSecond, kNow + milliseconds(1000));
  EXPECT_EQ(lines.count, 2 * kMaxLinesPerSecond);
  EXPECT_EQ(lines.last, "2 line");
  write(log, 1, kNow + milliseconds(1999));
  EXPECT_EQ(lines.count, 2 * kMaxLinesPerSecond);
}

TEST(ThrottledLog, TellsHowManyWereHeldBack) {
  Lines lines;
  ThrottledLog log(lines);
  write(log, kMaxLinesPerSecond + 5, kNow);
  EXPECT_EQ(lines.count, kMaxLinesPerSecond);
  EXPECT_EQ(log.due(), kNow + milliseconds(1000));
  log.catch_up(kNow + milliseconds(999));
  EXPECT_EQ(lines.count, kMaxLinesPerSecond);
  log.catch_up(kNow + milliseconds(1000));
  EXPECT_EQ(lines.count, kMaxLinesPerSecond + 1);
  EXPECT_EQ(lines.last, "2 MI FIFO: 5 more lines about requests were held back");
  EXPECT_EQ(log.due(), ThrottledLog::Clock::time_point::max());
  log.catch_up(kNow + milliseconds(2000));
  EXPECT_EQ(lines.count, kMaxLinesPerSecond + 1);
}

TEST(ThrottledLog, TheNextLineTellsToo) {
  Lines lines;
  ThrottledLog log(lines);
  write(log, kMaxLinesPerSecond + 1, kNow);
  write(log, 1, kNow + milliseconds(1000));
  EXPECT_EQ(lines.count, kMaxLinesPerSecond + 2);
  EXPECT_EQ(lines.last, "2 line");
}

TEST(ThrottledLog, TellsAtTheEndAndAsLoudAsTheWorst) {
  Lines lines;
  {
    ThrottledLog log(lines);
    write(log, kMaxLinesPerSecond + 1, kNow);
    write(log, 1, kNow, LogLevel::kError);
    write(log, 1, kNow);
  }
  EXPECT_EQ(lines.last, "-1 MI FIFO: 3 more lines about requests were held back");
}

TEST(ThrottledLog, LinesThatNobodyWantsDoNotCount) {
  Lines lines;
  ThrottledLog log(lines);
  write(log, 100, kNow, LogLevel::kInfo);
  write(log, kMaxLinesPerSecond, kNow);
  EXPECT_EQ(lines.count, kMaxLinesPerSecond);
  EXPECT_EQ(log.due(), ThrottledLog::Clock::time_point::max());
}

}  // namespace
}  // namespace httpd::mi_fifo
