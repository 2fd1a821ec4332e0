// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/job.h"

#include <gtest/gtest.h>
#include <optional>
#include <poll.h>
#include <set>
#include <vector>

#include "requests.h"

namespace httpd::process {
namespace {

class JobTest : public ::testing::Test, protected Job::Owner {
 protected:
  void SetUp() override {
    router.add("test", "r", handler([](const Request&, Reply) {}));
    request.emplace(limits, router, get("/r"));
  }
  Job& begin() { return jobs.begin(request->exchange, Reply(request->exchange)); }
  void on_overdue(Job& job) override { overdue.push_back(job.id()); }
  void settle(int quiet_ms) {
    pollfd waiting{loop.descriptor(), POLLIN, 0};
    while (::poll(&waiting, 1, quiet_ms) == 1)
      loop.run_once();
  }
  net::EventLoop loop;
  http::Limits limits;
  server::Router router;
  std::optional<WholeRequest> request;
  Job::Owner& owner = *this;
  JobTable jobs{owner};
  std::vector<std::uint64_t> overdue;
};

TEST_F(JobTest, IsFoundByItsIdUntilItEnds) {
  Job& job = begin();
  const std::uint64_t id = job.id();
  EXPECT_NE(id, 0U);
  EXPECT_EQ(jobs.find(id), &job);
  EXPECT_EQ(&job.route(), router.find("/r"));
  EXPECT_EQ(&job.request(), &request->exchange);
  jobs.end(job);
  EXPECT_EQ(jobs.find(id), nullptr);
  EXPECT_EQ(jobs.find(0), nullptr);
}

TEST_F(JobTest, NeverHasTheIdOfAnother) {
  std::set<std::uint64_t> ids;
  for (int round = 0; round < 50; ++round) {
    Job& job = begin();
    EXPECT_TRUE(ids.insert(job.id()).second);
    for (const std::uint64_t id : ids)
      EXPECT_EQ(jobs.find(id) == nullptr, id != job.id());
    jobs.end(job);
  }
  Job& first = begin();
  Job& second = begin();
  EXPECT_NE(first.id(), second.id());
  EXPECT_EQ(jobs.find(first.id()), &first);
  EXPECT_EQ(jobs.find(second.id()), &second);
  EXPECT_EQ(jobs.find(first.id() + 1000), nullptr) << "no place with this number";
  EXPECT_EQ(jobs.find(UINT64_MAX), nullptr);
}

TEST_F(JobTest, MemoryIsUsedAgain) {
  Job& first = begin();
  jobs.end(first);
  EXPECT_EQ(&begin(), &first);
}

TEST_F(JobTest, StaysWhereItIsHoweverManyCome) {
  std::vector<std::pair<Job*, std::uint64_t>> all;
  for (int number = 0; number < 500; ++number) {
    Job& job = begin();
    all.emplace_back(&job, job.id());
  }
  for (const auto& [job, id] : all)
    EXPECT_EQ(jobs.find(id), job);
}

TEST_F(JobTest, VisitsThoseThatHaveNotEndedAndTheyMayEndInIt) {
  begin();
  Job& second = begin();
  begin();
  jobs.end(second);
  int visited = 0;
  jobs.for_each([&](Job& job) {
    ++visited;
    jobs.end(job);
  });
  EXPECT_EQ(visited, 2);
  jobs.for_each([&](Job&) { ++visited; });
  EXPECT_EQ(visited, 2);
}

TEST_F(JobTest, ForgettingTheClientAnswersAnUnsentReply) {
  Job& job = begin();
  EXPECT_TRUE(job.has_client());
  EXPECT_TRUE(request->exchange.is_held());
  job.forget_client();
  EXPECT_FALSE(job.has_client());
  EXPECT_FALSE(request->exchange.is_held());
  EXPECT_EQ(request->finished, 1);
  EXPECT_TRUE(request->exchange.abandoned());
}

TEST_F(JobTest, ForgettingTheClientLeavesASentReply) {
  Job& job = begin();
  job.reply().send("done");
  job.forget_client();
  EXPECT_EQ(request->finished, 1);
  EXPECT_FALSE(request->exchange.abandoned());
}

TEST_F(JobTest, LeavesNothingForTheNextOneInItsPlace) {
  Job& job = begin();
  job.state = Job::State::kKept;
  job.shown = 3;
  job.start_timer(loop, std::chrono::milliseconds(1));
  jobs.end(job);
  Job& next = begin();
  ASSERT_EQ(&next, &job);
  EXPECT_EQ(next.state, Job::State::kWaiting);
  EXPECT_EQ(next.worker, nullptr);
  EXPECT_EQ(next.stream, nullptr);
  EXPECT_EQ(next.shown, server::RequestBoard::kNone);
  settle(80);
  EXPECT_TRUE(overdue.empty()) << "the timer of the one before";
}

TEST_F(JobTest, TellsOnceThatItsTimeIsOver) {
  Job& job = begin();
  job.start_timer(loop, std::chrono::milliseconds(1));
  settle(80);
  EXPECT_EQ(overdue, std::vector{job.id()});
}

TEST_F(JobTest, HasNoTimeLimitOfZero) {
  Job& job = begin();
  job.start_timer(loop, std::chrono::milliseconds(1));
  job.start_timer(loop, net::Duration::zero());
  settle(80);
  EXPECT_TRUE(overdue.empty());
  job.start_timer(loop, std::chrono::milliseconds(1));
  job.stop_timer();
  settle(80);
  EXPECT_TRUE(overdue.empty());
}

}  // namespace
}  // namespace httpd::process
