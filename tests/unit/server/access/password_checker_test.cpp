// Tests of hashing beside the event loop. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/password_checker.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "temporary_file.h"

namespace httpd::server {
namespace {

using Result = PasswordChecker::Result;

class PasswordCheckerTest : public ::testing::Test {
 protected:
  std::shared_ptr<PasswordChecker::Job> job(const char* password, const char* hash) {
    const ClientKey client{client_number++, AF_INET};
    return std::make_shared<PasswordChecker::Job>(client, password, hash, [this](Result result) {
      EXPECT_NE(result, Result::kFailed);
      results.push_back(result == Result::kRight);
    });
  }
  /// Runs the loop until there are so many results.
  void run(std::size_t wanted) {
    for (int turns = 0; results.size() < wanted && turns < 1000; ++turns) {
      pollfd loop_fd{loop.descriptor(), POLLIN, 0};
      ::poll(&loop_fd, 1, 10);
      loop.run_once();
    }
  }
  net::EventLoop loop;
  std::vector<bool> results;
  std::uint64_t client_number = 1;
};

TEST_F(PasswordCheckerTest, ComparesWithEachMethod) {
  PasswordChecker checker(loop);
  const std::vector jobs{job("ecila", kAlice), job("ecilA", kAlice), job("bob", kBob), job("", kBob)};
  for (const auto& one : jobs)
    ASSERT_TRUE(checker.submit(one));
  EXPECT_TRUE(results.empty()) << "never from inside submit()";
  run(4);
  EXPECT_EQ(results, (std::vector<bool>{true, false, true, false}));
}

TEST_F(PasswordCheckerTest, ForgetsWhatNobodyWaitsFor) {
  PasswordChecker checker(loop);
  ASSERT_TRUE(checker.submit(job("ecila", kAlice)));
  const auto kept = job("ecila", kAlice);
  ASSERT_TRUE(checker.submit(kept));
  run(1);
  EXPECT_EQ(results.size(), 1U);
}

TEST_F(PasswordCheckerTest, AQueueThatIsFullTakesNoMore) {
  PasswordChecker checker(loop);
  std::vector<std::shared_ptr<PasswordChecker::Job>> jobs;
  std::size_t refused = 0;
  // So slow that the queue fills.
  const std::string slow = "$2y$10" + std::string(kAlice).substr(6);
  for (std::size_t i = 0; i < PasswordChecker::kMaxWaiting + 10; ++i) {
    jobs.push_back(job("x", slow.c_str()));
    if (!checker.submit(jobs.back())) ++refused;
  }
  EXPECT_GT(refused, 0U);
  EXPECT_LE(refused, 10U);
  jobs.clear();  // and the end does not wait for them
}

TEST_F(PasswordCheckerTest, NobodyHasTheQueueForHimself) {
  PasswordChecker checker(loop);
  const std::string slow = "$2y$08" + std::string(kAlice).substr(6);
  std::vector<std::shared_ptr<PasswordChecker::Job>> jobs;
  std::size_t taken = 0;
  const std::uint64_t greedy = client_number;
  for (int i = 0; i < 10; ++i) {
    client_number = greedy;
    jobs.push_back(job("x", slow.c_str()));
    if (checker.submit(jobs.back())) ++taken;
  }
  EXPECT_GE(taken, PasswordChecker::kMaxOfClient);
  EXPECT_LE(taken, PasswordChecker::kMaxOfClient + 1) << "one may be in work";
  client_number = greedy + 1;
  const auto other = job("ecila", kAlice);
  ASSERT_TRUE(checker.submit(other));
  run(2);
  EXPECT_TRUE(results[0] || results[1]) << "after the one in work it was the other's turn";
}

TEST_F(PasswordCheckerTest, ACopyOfTheProcessEndsWithoutTheThread) {
  auto checker = std::make_unique<PasswordChecker>(loop);
  const auto first = job("ecila", kAlice);
  ASSERT_TRUE(checker->submit(first));
  run(1);
  const pid_t copy = ::fork();
  if (copy == 0) {
    ::alarm(10);
    checker.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(copy, &status, 0), copy);
  EXPECT_EQ(status, 0);
}

TEST_F(PasswordCheckerTest, EndsWithoutEverHavingBegun) {
  const PasswordChecker checker(loop);
}

}  // namespace
}  // namespace httpd::server
