// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/log_writer.h"

#include <cerrno>
#include <deque>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace httpd::process {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = LogSink::Result::State;

struct TestLog final : Log {
  bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

/// Does what it is told, and takes everything after that.
struct TestSink final : LogSink {
  Result write(std::string_view lines) noexcept override {
    ++calls;
    if (plan.empty()) {
      text += lines;
      return {State::kDone, lines.size()};
    }
    const Result result = plan.front();
    plan.pop_front();
    if (result.state == State::kDone) text += lines.substr(0, result.bytes);
    if (result.state != State::kLost) return result;
    return {State::kLost, result.bytes == 0 ? lines.size() : result.bytes, result.error};
  }
  [[nodiscard]] int descriptor() const noexcept override { return blocked ? never.get() : -1; }
  int reopen() noexcept override {
    ++reopened;
    return reopen_error;
  }
  [[nodiscard]] std::string name() const override { return "sink"; }
  std::deque<Result> plan;
  std::string text;
  int calls = 0;
  int reopened = 0;
  int reopen_error = 0;
  bool blocked = false;
  net::UniqueFd never{::eventfd(0xFFFFFFFEU, EFD_CLOEXEC | EFD_NONBLOCK)};  // may be written to
};

class LogWriterTest : public ::testing::Test {
 protected:
  void send(std::string_view text) {
    EXPECT_EQ(::send(channel.sending(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  void run() {
    channel.leave_sending();
    LogWriter(channel, sink, statistics, log).run();
  }
  std::uint64_t lost() const { return statistics.value(server::Statistics::kAccessLogLost); }

  LogChannel channel;
  TestSink sink;
  server::Statistics statistics;
  TestLog log;
};

TEST_F(LogWriterTest, WritesAllMessagesAndEndsWithTheirSender) {
  send("one\ntwo\n");
  send("three\n");
  run();
  EXPECT_EQ(sink.text, "one\ntwo\nthree\n");
  EXPECT_EQ(lost(), 0U);
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(LogWriterTest, GoesOnWhereAShortWriteEnded) {
  sink.plan = {{State::kDone, 5}, {State::kDone, 1}};
  send("one\ntwo\n");
  run();
  EXPECT_EQ(sink.text, "one\ntwo\n");
}

TEST_F(LogWriterTest, WaitsForASinkThatIsFull) {
  sink.plan = {{State::kDone, 5}, {State::kBlocked}, {State::kBlocked}};
  sink.blocked = true;
  send("one\ntwo\n");
  run();
  EXPECT_EQ(sink.text, "one\ntwo\n");
}

TEST_F(LogWriterTest, BeginsALineAnewForWhoComesLater) {
  sink.plan = {{State::kDone, 6}, {State::kAbsent, 0, ENXIO}};
  send("one\ntwo\n");
  run();
  EXPECT_EQ(sink.text, "one\ntwtwo\n");
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("nobody reads it"),
                                     HasSubstr("is written again; lines lost meanwhile: 0")));
}

TEST_F(LogWriterTest, CountsWhatIsLostAndTellsTheReasonOnce) {
  sink.plan = {{State::kLost, 0, ENOSPC}, {State::kLost, 0, ENOSPC}, {State::kLost, 2, EIO}};
  send("1\n2\n");
  send("3\n");
  send("4\n5\n");
  run();
  EXPECT_EQ(sink.text, "5\n");
  EXPECT_EQ(lost(), 4U);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("No space left on device"), HasSubstr("Input/output error"),
                                     HasSubstr("is written again; lines lost meanwhile: 4")));
}

TEST_F(LogWriterTest, ReopensWhenAsked) {
  channel.request_reopen();
  channel.request_reopen();
  sink.plan = {{State::kAbsent, 0, ENXIO}};
  send("1\n");
  run();
  EXPECT_EQ(sink.reopened, 1);
  EXPECT_THAT(log.lines, ::testing::Contains(HasSubstr("sink opened again")));
}

TEST_F(LogWriterTest, SaysWhenReopeningFails) {
  channel.request_reopen();
  sink.reopen_error = EACCES;
  sink.plan = {{State::kAbsent, 0, ENXIO}};
  send("1\n");
  run();
  EXPECT_EQ(sink.text, "1\n");
  EXPECT_THAT(log.lines,
              ::testing::Contains(HasSubstr("cannot be opened again, the old one goes on: Permission")));
}

TEST_F(LogWriterTest, GivesUpOnASinkThatTakesNothingWhenAllElseHasEnded) {
  sink.plan.assign(1000, {State::kAbsent, 0, ENXIO});
  send("1\n2\n");
  send("3\n");
  const auto begin = std::chrono::steady_clock::now();
  run();
  EXPECT_EQ(sink.text, "");
  EXPECT_EQ(lost(), 3U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_LT(sink.calls, 10);
}

}  // namespace
}  // namespace httpd::process
