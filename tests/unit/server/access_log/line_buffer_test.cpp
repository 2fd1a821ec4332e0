// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/line_buffer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <poll.h>

#include "../fixture.h"
#include "log_pair.h"

namespace httpd::server {
namespace {

class LineBufferTest : public ::testing::Test {
 protected:
  void run_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      pollfd waiting{loop.descriptor(), POLLIN, 0};
      if (::poll(&waiting, 1, 5) == 1) loop.run_once();
    }
  }
  std::uint64_t drops() const { return statistics.value(Statistics::kAccessLogDrops); }

  net::EventLoop loop;
  Statistics statistics;
  TestLog log;
  LogPair pair;
};

TEST_F(LineBufferTest, AFewLinesAreOneMessageAfterAWhile) {
  LineBuffer buffer(loop, pair.sending.get(), statistics, log);
  buffer.add("one\n");
  buffer.add("two\n");
  EXPECT_TRUE(pair.messages().empty());
  run_for(std::chrono::milliseconds(200));
  EXPECT_EQ(pair.messages(), std::vector<std::string>{"one\ntwo\n"});
  run_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(pair.messages().empty());
}

TEST_F(LineBufferTest, ManyDoNotWaitAndMessagesAreOfWholeLines) {
  LineBuffer buffer(loop, pair.sending.get(), statistics, log);
  const std::string line = std::string(1000, 'x') + '\n';
  std::size_t count = 0;
  for (int i = 0; i < 100; ++i) {
    buffer.add(line);
    for (const std::string& message : pair.messages()) {
      EXPECT_GE(message.size(), LineBuffer::kBatch);
      EXPECT_LE(message.size(), LineBuffer::kMessage);
      EXPECT_EQ(message.size() % line.size(), 0U);
      ++count;
    }
  }
  EXPECT_EQ(count, 5U);
}

TEST_F(LineBufferTest, ALineOfFullLengthIsSent) {
  LineBuffer buffer(loop, pair.sending.get(), statistics, log);
  const std::string line = std::string(LineBuffer::kMessage - 1, 'x') + '\n';
  buffer.add(line);
  EXPECT_EQ(pair.messages(), std::vector<std::string>{line});
  buffer.add("x" + line);
  EXPECT_EQ(drops(), 1U);
}

TEST_F(LineBufferTest, WhatNobodyTakesIsKeptUpToTheBoundAndTheRestCounted) {
  LineBuffer buffer(loop, pair.sending.get(), statistics, log);
  constexpr std::size_t kLines = 3000;
  for (std::size_t i = 0; i < kLines; ++i)
    buffer.add(std::to_string(i) + ' ' + std::string(1000, 'x') + '\n');
  EXPECT_GT(drops(), 0U);
  EXPECT_EQ(
      std::ranges::count_if(
          log.lines, [](const std::string& line) { return line.find("lines dropped") != std::string::npos; }),
      1);
  std::string text;
  while (true) {
    const std::string more = pair.text();
    text += more;
    if (more.empty()) break;
    run_for(std::chrono::milliseconds(100));
  }
  EXPECT_GE(text.size(), LineBuffer::kBound - 2000);
  EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(text, '\n')) + drops(), kLines);
  // None is missing in the middle.
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_EQ(std::stoul(text.substr(at)), number++);
  // And it goes on.
  buffer.add("again\n");
  run_for(std::chrono::milliseconds(200));
  EXPECT_EQ(pair.text(), "again\n");
}

TEST_F(LineBufferTest, TheRestOfTheDropsIsToldLater) {
  LineBuffer buffer(loop, pair.sending.get(), statistics, log);
  for (int i = 0; i < 3000; ++i)
    buffer.add(std::string(1000, 'x') + '\n');
  run_for(std::chrono::milliseconds(1300));
  ASSERT_EQ(log.lines.size(), 2U);
  EXPECT_EQ(log.lines[0].find("access log: 1 lines dropped"), 0U);
  EXPECT_EQ(log.lines[1].find("access log: " + std::to_string(drops() - 1) + " lines dropped"), 0U);
}

TEST_F(LineBufferTest, TheEndSendsWhatIsThere) {
  { LineBuffer(loop, pair.sending.get(), statistics, log).add("last\n"); }
  EXPECT_EQ(pair.text(), "last\n");
}

TEST_F(LineBufferTest, TheEndWaitsForNobodyForLong) {
  const auto begin = std::chrono::steady_clock::now();
  {
    LineBuffer buffer(loop, pair.sending.get(), statistics, log);
    for (int i = 0; i < 900; ++i)
      buffer.add(std::string(1000, 'x') + '\n');
    EXPECT_EQ(drops(), 0U);
  }
  EXPECT_GT(drops(), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(LineBufferTest, ASocketThatLeadsNowhereHarmsNobody) {
  pair.receiving.reset();
  LineBuffer buffer(loop, pair.sending.get(), statistics, log);
  for (int i = 0; i < 2000; ++i)
    buffer.add(std::string(1000, 'x') + '\n');
  EXPECT_GT(drops(), 900U);
}

}  // namespace
}  // namespace httpd::server
