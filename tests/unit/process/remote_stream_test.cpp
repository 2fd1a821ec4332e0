// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/remote_stream.h"

#include <array>
#include <gtest/gtest.h>
#include <string>

#include "process/job.h"

namespace httpd::process {
namespace {

class RemoteStreamTest : public ::testing::Test,
                         protected RemoteStream::Owner,
                         protected Job::Owner,
                         protected BodySource::Waker {
 protected:
  void on_pull(Job& /*job*/) override {
    ++pulls;
    if (stream_to_break != nullptr) stream_to_break->finish(false);
  }
  void on_stream_dropped(Job& /*job*/) noexcept override { ++drops; }
  void on_overdue(Job& /*job*/) override {}
  void on_wake() noexcept override { ++wakes; }
  std::unique_ptr<RemoteStream> make(std::string_view first) {
    RemoteStream::Owner& owner = *this;
    auto stream = std::make_unique<RemoteStream>(owner, job, first);
    stream->woken_through(this);
    return stream;
  }
  std::string read(RemoteStream& stream, std::size_t size = 100) {
    std::array<char, 100> buffer{};
    const std::ptrdiff_t count = stream.read(0, buffer.data(), size);
    switch (count) {
      case BodySource::kEnd:
        return "end";
      case BodySource::kBroken:
        return "broken";
      case BodySource::kWait:
        return "wait";
      case BodySource::kLater:
        return "later";
      default:
        return {buffer.data(), static_cast<std::size_t>(count)};
    }
  }
  Job::Owner& job_owner = *this;
  Job job{job_owner};
  RemoteStream* stream_to_break = nullptr;
  int pulls = 0;
  int drops = 0;
  int wakes = 0;
};

TEST_F(RemoteStreamTest, GivesTheFirstPieceAndAsksOnceForTheNext) {
  const auto stream = make("first");
  EXPECT_EQ(read(*stream, 2), "fi");
  EXPECT_EQ(read(*stream, 100), "rst");
  EXPECT_EQ(pulls, 0);
  EXPECT_EQ(read(*stream), "wait");
  EXPECT_EQ(read(*stream), "wait");
  EXPECT_EQ(pulls, 1);
  stream->on_piece("second");
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(read(*stream), "second");
  EXPECT_EQ(pulls, 1);
  EXPECT_EQ(read(*stream), "wait");
  EXPECT_EQ(pulls, 2);
}

TEST_F(RemoteStreamTest, DoesNotAskForAFirstPieceThatComesByItself) {
  const auto stream = make("");
  EXPECT_EQ(read(*stream), "wait");
  EXPECT_EQ(pulls, 0);
  stream->on_piece("x");
  EXPECT_EQ(read(*stream), "x");
  EXPECT_EQ(read(*stream), "wait");
  EXPECT_EQ(pulls, 1);
}

TEST_F(RemoteStreamTest, EndsAfterItsLastPiece) {
  const auto stream = make("all");
  stream->finish(true);
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(read(*stream), "all");
  EXPECT_EQ(read(*stream), "end");
  EXPECT_EQ(read(*stream), "end");
  EXPECT_EQ(pulls, 0);
}

TEST_F(RemoteStreamTest, IsBrokenAfterWhatHadCome) {
  const auto stream = make("some");
  stream->finish(false);
  EXPECT_EQ(read(*stream), "some");
  EXPECT_EQ(read(*stream), "broken");
}

TEST_F(RemoteStreamTest, ThePullMayFindTheProcessGone) {
  const auto stream = make("x");
  EXPECT_EQ(read(*stream), "x");
  stream_to_break = stream.get();
  EXPECT_EQ(read(*stream), "broken");
}

TEST_F(RemoteStreamTest, SaysThatItIsDroppedUnlessItHasEnded) {
  make("x").reset();
  EXPECT_EQ(drops, 1);
  auto finished = make("x");
  finished->finish(true);
  finished.reset();
  auto broken = make("x");
  broken->finish(false);
  broken.reset();
  EXPECT_EQ(drops, 1);
}

TEST_F(RemoteStreamTest, AnEmptyPieceIsAskedForAgain) {
  const auto stream = make("");
  EXPECT_EQ(read(*stream), "wait");
  stream->on_piece("");
  EXPECT_EQ(read(*stream), "wait");
  EXPECT_EQ(pulls, 1);
}

}  // namespace
}  // namespace httpd::process
