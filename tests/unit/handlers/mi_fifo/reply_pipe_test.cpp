// Tests of reply FIFOs: names, what may stand there, and clients that come late, leave or do not read.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/reply_pipe.h"

#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "fakes.h"

namespace httpd::mi_fifo {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kWait{200};
/// For tests in which no time limit must pass, on however busy a machine.
constexpr milliseconds kPatient{20'000};

class Replies : public testing::Test {
 protected:
  Replies() { static_cast<void>(std::signal(SIGPIPE, SIG_IGN)); }
  std::string make(const std::string& name) {
    std::string path = directory_.path() + name;
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  /// Opens the reading end at once.
  static Descriptor reader(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  std::string open(std::string_view name) { return pipe_.open(directory_.path(), name, wait_); }
  std::string write(std::string_view reply) { return pipe_.write(reply, wait_); }

  TemporaryDirectory directory_;
  milliseconds wait_ = kWait;
  ReplyPipe pipe_;
};

std::string read_all(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ReplyName, Validity) {
  EXPECT_TRUE(valid_reply_name("opensips_fifo_reply_1_2"));
  EXPECT_TRUE(valid_reply_name(std::string(255, 'x')));
  EXPECT_TRUE(valid_reply_name("\xc3\xa9"));
  for (const std::string_view name : {"", ".", "..", "a.b", "/a", "a/b", "..\\a", "a\n", "a\x7f", "a\x01"}) {
    EXPECT_FALSE(valid_reply_name(name)) << name;
  }
  EXPECT_FALSE(valid_reply_name(std::string(256, 'x')));
  EXPECT_FALSE(valid_reply_name(std::string_view("a\0b", 3)));
}

TEST_F(Replies, WritesToAReader) {
  wait_ = kPatient;
  const std::string path = make("r");
  auto text = std::async(std::launch::async, [&path] { return read_all(path); });
  ASSERT_EQ(open("r"), "");
  EXPECT_TRUE(pipe_.is_open());
  const std::string reply(1'000'000, 'x');
  EXPECT_EQ(write(reply), "");
  pipe_ = ReplyPipe();
  EXPECT_EQ(text.get(), reply);
}

TEST_F(Replies, WaitsForALateReader) {
  wait_ = kPatient;
  const std::string path = make("r");
  auto text = std::async(std::launch::async, [&path] {
    std::this_thread::sleep_for(milliseconds(80));
    return read_all(path);
  });
  ASSERT_EQ(open("r"), "");
  EXPECT_EQ(write("late"), "");
  pipe_ = ReplyPipe();
  EXPECT_EQ(text.get(), "late");
}

TEST_F(Replies, GivesUpWhenNobodyReads) {
  make("r");
  const auto start = Clock::now();
  EXPECT_EQ(open("r"), "nobody reads it");
  EXPECT_GE(Clock::now() - start, kWait);
  EXPECT_LT(Clock::now() - start, kWait + milliseconds(3000));
  EXPECT_FALSE(pipe_.is_open());
  EXPECT_TRUE(pipe_.unread());
  EXPECT_NE(open("missing"), "");
  EXPECT_FALSE(pipe_.unread());
}

TEST_F(Replies, WithoutPatienceOneAttemptIsMade) {
  wait_ = milliseconds(0);
  const std::string path = make("r");
  EXPECT_EQ(open("r"), "nobody reads it");
  EXPECT_TRUE(pipe_.unread());
  const Descriptor stuck = reader(path);
  ASSERT_EQ(open("r"), "");
  EXPECT_FALSE(pipe_.unread());
  EXPECT_EQ(write("fits"), "");
  EXPECT_EQ(write(std::string(1'000'000, 'x')), "the client does not read");
}

TEST_F(Replies, GivesUpOnAReaderThatDoesNotRead) {
  const Descriptor stuck = reader(make("r"));
  ASSERT_EQ(open("r"), "");
  const auto start = Clock::now();
  EXPECT_EQ(write(std::string(1'000'000, 'x')), "the client does not read");
  EXPECT_GE(Clock::now() - start, kWait);
  EXPECT_LT(Clock::now() - start, kWait + milliseconds(3000));
}

TEST_F(Replies, NoticesAReaderThatLeft) {
  Descriptor gone = reader(make("r"));
  ASSERT_EQ(open("r"), "");
  gone.reset();
  EXPECT_EQ(write("x"), "the client left");
}

TEST_F(Replies, NoticesAReaderThatLeavesMeanwhile) {
  wait_ = kPatient;
  Descriptor gone = reader(make("r"));
  ASSERT_EQ(open("r"), "");
  std::thread leaver([&gone] {
    std::this_thread::sleep_for(milliseconds(50));
    gone.reset();
  });
  EXPECT_EQ(write(std::string(1'000'000, 'x')), "the client left");
  leaver.join();
}

TEST_F(Replies, RefusesWhatIsNoFifo) {
  std::ofstream(directory_.path() + "file") << "precious";
  EXPECT_EQ(open("file"), "not a FIFO");
  EXPECT_EQ(read_all(directory_.path() + "file"), "precious");
  EXPECT_EQ(open("missing"), "No such file or directory");
  ASSERT_EQ(::mkdir((directory_.path() + "folder").c_str(), 0700), 0);
  EXPECT_EQ(open("folder"), "Is a directory");
  EXPECT_FALSE(pipe_.is_open());
}

TEST_F(Replies, RefusesLinks) {
  const std::string path = make("r");
  const Descriptor waiting = reader(path);
  ASSERT_EQ(::symlink(path.c_str(), (directory_.path() + "soft").c_str()), 0);
  EXPECT_EQ(open("soft"), "Too many levels of symbolic links");
  ASSERT_EQ(::link(path.c_str(), (directory_.path() + "hard").c_str()), 0);
  EXPECT_EQ(open("hard"), "has 2 hard links");
  EXPECT_EQ(open("r"), "has 2 hard links");
  EXPECT_FALSE(pipe_.is_open());
}

TEST_F(Replies, RefusesForbiddenNames) {
  make("r");
  EXPECT_EQ(open("../r"), "forbidden name");
  EXPECT_EQ(open(""), "forbidden name");
}

}  // namespace
}  // namespace httpd::mi_fifo
