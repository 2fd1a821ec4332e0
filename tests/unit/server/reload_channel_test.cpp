// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reload_channel.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace httpd::server {
namespace {

using std::chrono::milliseconds;

/// Runs `work` in a process of its own; true when it returned true.
class Child {
 public:
  template <typename Work>
  explicit Child(Work work) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(work() ? 0 : 1);
  }
  bool good() const {
    int status = -1;
    return ::waitpid(pid_, &status, 0) == pid_ && status == 0;
  }
  bool ended() const { return ::waitpid(pid_, nullptr, WNOHANG) == pid_; }

 private:
  pid_t pid_;
};

class ReloadChannelTest : public ::testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }
  void serve(ReloadResult result) {
    channel.serve(loop, [this, result](Reload /*what*/) {
      ++reloads;
      return result;
    });
  }
  /// Lets the loop work until `done`, for a while.
  template <typename Done>
  void work_until(Done done) {
    for (int i = 0; i < 2000 && !done(); ++i) {
      loop.run_once();
      ::usleep(1000);
    }
  }
  net::EventLoop loop;
  ReloadChannel channel;
  int reloads = 0;
};

TEST_F(ReloadChannelTest, TheProcessThatServesReloadsAtOnce) {
  serve({true, "here"});
  const ReloadResult result = channel.request(Reload::kAll, milliseconds(1));
  EXPECT_TRUE(result.good);
  EXPECT_EQ(result.text, "here");
  EXPECT_EQ(reloads, 1);
  channel.leave();
}

TEST_F(ReloadChannelTest, AnotherProcessGetsTheResult) {
  for (const bool good : {true, false}) {
    const std::string text = good ? "two\nlines" : "";
    const Child child([&] {
      const ReloadResult result = channel.request(Reload::kAll, milliseconds(5000));
      return result.good == good && result.text == text;
    });
    serve({good, text});
    work_until([this] { return reloads > 0; });
    EXPECT_TRUE(child.good());
    EXPECT_EQ(reloads, 1);
    reloads = 0;
    channel.leave();
  }
}

TEST_F(ReloadChannelTest, ALongTextIsCutAndNotLost) {
  const Child child([&] {
    const ReloadResult result = channel.request(Reload::kAll, milliseconds(5000));
    return result.good && result.text == std::string(ReloadChannel::kMaxText, 'x');
  });
  serve({true, std::string(ReloadChannel::kMaxText + 1, 'x')});
  work_until([this] { return reloads > 0; });
  EXPECT_TRUE(child.good());
  channel.leave();
}

/// Takes every descriptor that the process may still have.
std::vector<net::UniqueFd> take_all_descriptors() {
  std::vector<net::UniqueFd> taken;
  rlimit few{256, 0};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &few), 0);
  few.rlim_cur = 256;
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
    taken.emplace_back(fd);
  return taken;
}

TEST_F(ReloadChannelTest, AReloadWorksWhereConnectionsHaveTakenAllDescriptors) {
  const Child asking([&] {
    const ReloadResult result = channel.request(Reload::kAll, milliseconds(5000));
    return result.good && result.text == "opened";
  });
  const Child serving([&] {
    net::EventLoop own;
    bool done = false;
    std::vector<net::UniqueFd> taken;
    channel.serve(own, [&](Reload /*what*/) -> ReloadResult {
      const net::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      done = true;
      return {file.get() >= 0, "opened"};
    });
    taken = take_all_descriptors();
    for (int i = 0; i < 5000 && !done; ++i) {
      own.run_once();
      ::usleep(1000);
    }
    // The reserve is kept for the next one.
    const bool again = channel.request(Reload::kAll, milliseconds(1)).good &&
                       channel.request(Reload::kAll, milliseconds(1)).good;
    const bool none_left = ::dup(0) < 0;
    channel.leave();
    return done && again && none_left;
  });
  EXPECT_TRUE(serving.good());
  EXPECT_TRUE(asking.good());
}

TEST_F(ReloadChannelTest, SeveralMayAskAtOnce) {
  const auto ask = [&] { return channel.request(Reload::kAll, milliseconds(5000)).good; };
  const Child first(ask);
  const Child second(ask);
  const Child third([&] { return static_cast<bool>(channel.ask(Reload::kAll)); });
  serve({true, ""});
  work_until([this] { return reloads == 3; });
  EXPECT_EQ(reloads, 3);
  EXPECT_TRUE(first.good());
  EXPECT_TRUE(second.good());
  EXPECT_TRUE(third.good());
  channel.leave();
}

TEST_F(ReloadChannelTest, ARequestWaitsUntilSomebodyServes) {
  const Child child([&] { return channel.request(Reload::kAll, milliseconds(5000)).good; });
  ::usleep(50'000);
  EXPECT_FALSE(child.ended());
  serve({true, ""});
  work_until([this] { return reloads > 0; });
  EXPECT_TRUE(child.good());
  channel.leave();
}

TEST_F(ReloadChannelTest, PatienceHasAnEnd) {
  const ReloadResult result = channel.request(Reload::kAll, milliseconds(20));
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.text, "the HTTPD process is busy: it will reload when it is not");
  // The answer that comes too late harms nobody.
  serve({true, "late"});
  work_until([this] { return reloads > 0; });
  EXPECT_EQ(reloads, 1);
  channel.leave();
}

TEST_F(ReloadChannelTest, AProcessThatDiesWithTheRequestIsNotWaitedFor) {
  const Child server([&] {
    net::EventLoop own;
    channel.serve(own, [](Reload /*what*/) -> ReloadResult { ::_exit(0); });
    for (;;) {
      own.run_once();
      ::usleep(1000);
    }
    return true;
  });
  const ReloadResult result = channel.request(Reload::kAll, milliseconds(5000));
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.text, "the HTTPD process ended before it had reloaded");
  EXPECT_TRUE(server.good());
}

TEST_F(ReloadChannelTest, AFloodOfRequestsIsRefusedAndNotWaitedFor) {
  int sent = 0;
  while (sent < 100'000 && channel.ask(Reload::kAll))
    ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_LT(sent, 100'000);
  const ReloadResult result = channel.request(Reload::kAll, milliseconds(5000));
  EXPECT_FALSE(result.good);
  EXPECT_EQ(result.text, "the HTTPD process has too many reloads waiting");
}

}  // namespace
}  // namespace httpd::server
