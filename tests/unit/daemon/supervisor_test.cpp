// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/supervisor.h"

#include <atomic>
#include <csignal>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/flag.h"

namespace httpd::daemon {
namespace {

struct QuietLog final : Log {
  bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override { text.append(line).append("\n"); }
  std::string text;
};

/// Counters that the processes under test share with the test.
struct Shared {
  std::atomic<int> starts;
  std::atomic<int> stops;
};

int run(
    Supervisor& supervisor, std::function<void()> on_ready = [] {}, std::function<void()> on_stop = [] {}) {
  return supervisor.run({std::move(on_ready), [] {}, std::move(on_stop)});
}

class SupervisorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    void* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    shared = new (memory) Shared{};
  }
  void TearDown() override {
    ::munmap(shared, sizeof(Shared));
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }
  /// Waits for SIGTERM like a good process.
  int wait_for_end() const {
    const SignalDescriptor signals{SIGTERM};
    while (!signals.next())
      ::usleep(1000);
    ++shared->stops;
    return 0;
  }
  Shared* shared = nullptr;
  QuietLog log;
  server::Router router;
  SharedState state{{}, router};
};

TEST_F(SupervisorTest, StartsAllAndEndsAllOnSigterm) {
  Supervisor supervisor(state, log);
  supervisor.add("first", [this](Supervisor& attendant) {
    ++shared->starts;
    attendant.notify_ready();
    return wait_for_end();
  });
  supervisor.add("second", [this](Supervisor& attendant) {
    ++shared->starts;
    attendant.notify_ready();
    return wait_for_end();
  });
  int stopped = 0;
  const int status = run(
      supervisor,
      [this] {
        while (shared->starts < 2)
          ::usleep(1000);
        ::usleep(20'000);
        EXPECT_EQ(state.processes().size(), 3U);
        ::kill(::getpid(), SIGTERM);
      },
      [&] { ++stopped; });
  EXPECT_EQ(status, 0) << log.text;
  EXPECT_EQ(stopped, 1);
  EXPECT_EQ(shared->stops, 2);
}

TEST_F(SupervisorTest, StartsAgainWhatDied) {
  Supervisor supervisor(state, log);
  supervisor.add("mortal", [this](Supervisor& attendant) {
    const int start = ++shared->starts;
    attendant.notify_ready();
    if (start == 1) {
      ::usleep(50'000);
      ::kill(::getpid(), SIGKILL);
    }
    if (start == 2) return 3;
    ::kill(::getppid(), SIGINT);
    return wait_for_end();
  });
  EXPECT_EQ(run(supervisor), 0);
  EXPECT_EQ(shared->starts, 3);
  EXPECT_THAT(log.text, ::testing::HasSubstr("was killed by signal 9"));
  EXPECT_THAT(log.text, ::testing::HasSubstr("ended with status 3: starting it again in 200 ms"));
}

TEST_F(SupervisorTest, DelaysOfAProcessThatKeepsDyingDoubleUpToALimit) {
  Supervisor supervisor(state, log);
  supervisor.add(
      "mortal",
      [this](Supervisor& attendant) {
        attendant.notify_ready();
        if (++shared->starts < 5) {
          ::usleep(10'000);
          return 3;
        }
        ::kill(::getppid(), SIGTERM);
        return wait_for_end();
      },
      {.stable = std::chrono::milliseconds(30'000), .longest_delay = std::chrono::milliseconds(300)});
  EXPECT_EQ(run(supervisor), 0);
  EXPECT_EQ(shared->starts, 5);
  std::size_t at = 0;
  for (const char* const delay : {"again in 0 ms", "again in 200 ms", "again in 300 ms", "again in 300 ms"}) {
    at = log.text.find(delay, at);
    ASSERT_NE(at, std::string::npos) << delay << " in\n" << log.text;
    ++at;
  }
}

TEST_F(SupervisorTest, AProcessThatWasStableIsStartedAgainAtOnce) {
  Supervisor supervisor(state, log);
  supervisor.add("mortal",
                 [this](Supervisor& attendant) {
                   attendant.notify_ready();
                   if (++shared->starts < 4) {
                     ::usleep(60'000);
                     return 3;
                   }
                   ::kill(::getppid(), SIGTERM);
                   return wait_for_end();
                 },
                 {.stable = std::chrono::milliseconds(50), .longest_delay = std::chrono::milliseconds(200)});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run(supervisor), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
  EXPECT_EQ(log.text.find("again in 200 ms"), std::string::npos) << log.text;
}

TEST_F(SupervisorTest, ADeathBeforeAllAreReadyIsAFailedStart) {
  Supervisor supervisor(state, log);
  supervisor.add("good", [this](Supervisor&) { return wait_for_end(); });
  supervisor.add("bad", [](Supervisor&) -> int { throw std::runtime_error("cannot do it"); });
  bool ready = false;
  EXPECT_EQ(run(supervisor, [&] { ready = true; }), 255);
  EXPECT_FALSE(ready);
  EXPECT_THAT(log.text, ::testing::HasSubstr("before it was ready"));
}

TEST_F(SupervisorTest, IsReadyWhenAllProcessesAre) {
  Supervisor supervisor(state, log);
  for (const char* const name : {"quick", "slow"})
    supervisor.add(name, [this, name](Supervisor& attendant) {
      if (name[0] == 's') ::usleep(150'000);
      ++shared->starts;
      attendant.notify_ready();
      return wait_for_end();
    });
  EXPECT_EQ(run(supervisor,
                [this] {
                  EXPECT_EQ(shared->starts, 2);
                  ::kill(::getpid(), SIGTERM);
                }),
            0);
}

TEST_F(SupervisorTest, LivesWithAnIgnoredSigchld) {
  std::signal(SIGCHLD, SIG_IGN);
  Supervisor supervisor(state, log);
  supervisor.add("mortal", [this](Supervisor& attendant) {
    attendant.notify_ready();
    if (++shared->starts == 1) {
      ::usleep(30'000);
      ::kill(::getpid(), SIGKILL);
    }
    ::kill(::getppid(), SIGTERM);
    return wait_for_end();
  });
  EXPECT_EQ(run(supervisor), 0);
  EXPECT_EQ(shared->starts, 2);
}

TEST_F(SupervisorTest, ASigtermDuringTheStartIsAnOrderlyEnd) {
  Supervisor supervisor(state, log);
  supervisor.add("slow", [this](Supervisor&) {
    ::kill(::getppid(), SIGTERM);
    ::usleep(100'000);  // the attendant's SIGTERM comes before there is a descriptor for it
    return wait_for_end();
  });
  EXPECT_EQ(run(supervisor), 0) << log.text;
  EXPECT_EQ(shared->stops, 1);
}

TEST_F(SupervisorTest, ARepeatedSigtermCutsNothing) {
  Supervisor supervisor(state, log);
  supervisor.add("busy", [this](Supervisor& attendant) {
    attendant.notify_ready();
    const SignalDescriptor signals{SIGTERM};
    while (!signals.next())
      ::usleep(1000);
    ::usleep(300'000);
    ++shared->stops;
    return 0;
  });
  EXPECT_EQ(run(
                supervisor, [] { ::kill(::getpid(), SIGTERM); },
                [] {
                  ::usleep(10'000);
                  ::kill(::getpid(), SIGTERM);
                }),
            0);
  EXPECT_EQ(shared->stops, 1);
}

TEST_F(SupervisorTest, TellsOfSighup) {
  Supervisor supervisor(state, log);
  supervisor.add("quiet", [this](Supervisor& attendant) {
    attendant.notify_ready();
    return wait_for_end();
  });
  int reloads = 0;
  EXPECT_EQ(supervisor.run({[] { ::kill(::getpid(), SIGHUP); },
                            [&] {
                              ++reloads;
                              ::kill(::getpid(), SIGTERM);
                            },
                            [] {}}),
            0);
  EXPECT_EQ(reloads, 1);
}

TEST_F(SupervisorTest, ADelayBeforeTheEndIsForServersAndWorkersAlone) {
  Supervisor supervisor(state, log);
  supervisor.add("server", [this](Supervisor& attendant) {
    attendant.notify_ready();
    return wait_for_end();
  });
  supervisor.add(
      "module",
      [this](Supervisor& attendant) {
        attendant.notify_ready();
        const SignalDescriptor signals{SIGTERM};
        while (!signals.next())
          ::usleep(1000);
        return shared->stops == 1 ? 0 : 1;
      },
      Supervisor::Role::kModule);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(
      supervisor.run({.on_ready = [] { ::kill(::getpid(), SIGTERM); },
                      .on_reload = [] {},
                      .on_stop = [] {},
                      .patience =
                          [] {
                            return Supervisor::Patience{std::chrono::seconds(1), std::chrono::seconds(1)};
                          }}),
      0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_THAT(log.text, ::testing::HasSubstr("stopping in 1 s: replies in progress have 1 s to finish"));
}

TEST_F(SupervisorTest, WhoLeavesStartsNothingAgainAndEndsWithItsProcesses) {
  Supervisor supervisor(state, log);
  Flag leave;
  supervisor.add("server", [&](Supervisor& attendant) {
    ++shared->starts;
    attendant.notify_ready();
    pollfd waiting{leave.descriptor(), POLLIN, 0};
    ::poll(&waiting, 1, 10'000);
    return 0;
  });
  supervisor.add(
      "module",
      [this](Supervisor& attendant) {
        attendant.notify_ready();
        return wait_for_end();
      },
      Supervisor::Role::kModule);
  int upgrades = 0;
  EXPECT_EQ(supervisor.run({.on_ready = [] { ::kill(::getpid(), SIGUSR2); },
                            .on_reload = [] {},
                            .on_stop = [] { ADD_FAILURE() << "this is no stop"; },
                            .on_upgrade =
                                [&] {
                                  ++upgrades;
                                  leave.raise();
                                  supervisor.leave(std::chrono::seconds(5));
                                  supervisor.after(std::chrono::milliseconds(100),
                                                   [&] { supervisor.end_modules(); });
                                }}),
            0);
  EXPECT_EQ(upgrades, 1);
  EXPECT_EQ(shared->starts, 1);
  EXPECT_EQ(shared->stops, 1);
}

TEST_F(SupervisorTest, Sigusr1AsksForLogsToBeReopened) {
  Supervisor supervisor(state, log);
  supervisor.add("quiet", [this](Supervisor& attendant) {
    attendant.notify_ready();
    return wait_for_end();
  });
  int reopened = 0;
  EXPECT_EQ(supervisor.run({.on_ready = [] { ::kill(::getpid(), SIGUSR1); },
                            .on_reload = [] {},
                            .on_stop = [] {},
                            .on_reopen =
                                [&] {
                                  ++reopened;
                                  ::kill(::getpid(), SIGTERM);
                                }}),
            0);
  EXPECT_EQ(reopened, 1);
}

TEST_F(SupervisorTest, DescriptorsAreWatchedUntilTheyAreNot) {
  Supervisor supervisor(state, log);
  supervisor.add("quiet", [this](Supervisor& attendant) {
    attendant.notify_ready();
    return wait_for_end();
  });
  Flag flag;
  int calls = 0;
  supervisor.watch(flag.descriptor(), [&] {
    if (++calls < 3) return;
    supervisor.unwatch(flag.descriptor());
    ::kill(::getpid(), SIGTERM);
  });
  EXPECT_EQ(run(supervisor, [&] { flag.raise(); }), 0);
  EXPECT_EQ(calls, 3);
}

TEST_F(SupervisorTest, AProcessKnowsWhetherItReplacesAnother) {
  Supervisor supervisor(state, log);
  supervisor.add("mortal", [this](Supervisor& attendant) {
    EXPECT_EQ(attendant.is_restart(), ++shared->starts > 1);
    attendant.notify_ready();
    if (!attendant.is_restart()) return 1;
    ::kill(::getppid(), SIGTERM);
    wait_for_end();
    return ::testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(run(supervisor), 0);
  EXPECT_EQ(shared->starts, 2);
}

TEST_F(SupervisorTest, AProcessThatDoesNotEndIsKilledInTime) {
  Supervisor supervisor(state, log);
  supervisor.add("stuck", [](Supervisor& attendant) {
    attendant.notify_ready();
    for (;;)
      ::pause();
    return 0;
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run(supervisor, [] { ::kill(::getpid(), SIGTERM); }), 0);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::seconds(5));
  EXPECT_LT(took, std::chrono::seconds(7));
  EXPECT_THAT(log.text, ::testing::HasSubstr("did not end in time"));
}

}  // namespace
}  // namespace httpd::daemon
