// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/shared_state.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <httpd/module.h>

namespace httpd::daemon {
namespace {

class SharedStateTest : public ::testing::Test {
 protected:
  server::Router router;
  SharedState state{{"opensips-httpd", "-f", "x"}, router};
};

TEST_F(SharedStateTest, ListsRunningProcessesOnly) {
  const std::size_t id = state.add_process("HTTPD *:8888");
  ASSERT_EQ(state.processes().size(), 1U);
  EXPECT_EQ(state.processes()[0].description, "attendant");
  EXPECT_EQ(state.processes()[0].pid, ::getpid());
  state.set_pid(id, 4711);
  ASSERT_EQ(state.processes().size(), 2U);
  EXPECT_EQ(state.processes()[1].pid, 4711);
  EXPECT_EQ(state.processes()[1].description, "HTTPD *:8888");
}

TEST_F(SharedStateTest, LogLevelsReachOtherProcesses) {
  EXPECT_EQ(state.own_log_level(), 2);
  state.set_log_level(3);
  const std::size_t id = state.add_process("child");
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    state.become(id);
    state.set_pid(id, ::getpid());
    const bool good = state.own_log_level() == 3 && state.set_log_level(::getpid(), 4);
    std::_Exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(state.processes()[1].log_level, 4);
  EXPECT_EQ(state.own_log_level(), 3);
  EXPECT_FALSE(state.set_log_level(pid_t{0}, 1));
  EXPECT_FALSE(state.set_log_level(pid_t{-1}, 1));
  EXPECT_FALSE(state.set_log_level(::getppid(), 1));
}

TEST_F(SharedStateTest, CountersAreShared) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    state.counters().add(server::Statistics::kRequests, 5);
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  bool found = false;
  for (const Statistic& statistic : state.statistics())
    if (statistic.group == "httpd" && statistic.name == "requests") {
      found = true;
      EXPECT_EQ(statistic.value, 5);
    }
  EXPECT_TRUE(found);
}

TEST_F(SharedStateTest, HasRoomForSoManyProcesses) {
  for (std::size_t id = 1; id < SharedMemory::kMaxProcesses; ++id)
    EXPECT_EQ(state.add_process(std::string(200, 'x')), id);
  EXPECT_THROW(state.add_process("one more"), ConfigError);
}

}  // namespace
}  // namespace httpd::daemon
