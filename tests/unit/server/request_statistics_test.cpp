// Tests of the counts by root. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/request_statistics.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

namespace httpd::server {
namespace {

TEST(RequestStatistics, ManyRootsCostNoMemoryBeforeTheyAreAskedFor) {
  RequestStatistics statistics(1'000'000);
  Route last;
  last.index = 999'999;
  last.methods = {Method::kGet};
  statistics.count(&last, Method::kGet, 200);
  EXPECT_EQ(statistics.of(&last).requests[static_cast<std::size_t>(Method::kGet)][0].value(), 1U);
  EXPECT_EQ(statistics.of(nullptr).requests[static_cast<std::size_t>(Method::kGet)][0].value(), 0U);
}

TEST(RequestStatistics, AreSharedWithProcessesForkedLater) {
  RequestStatistics statistics(0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    statistics.count(nullptr, Method::kGet, 404);
    statistics.of(nullptr).queue_time.add(std::chrono::seconds(2));
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(statistics.of(nullptr).requests[static_cast<std::size_t>(Method::kGet)][2].value(), 1U);
  EXPECT_EQ(statistics.of(nullptr).queue_time.nanoseconds.value(), 2'000'000'000U);
}

TEST(Histogram, EachTimeHasOnePlace) {
  Histogram histogram;
  histogram.add(net::Duration(0));
  histogram.add(std::chrono::hours(1));
  std::uint64_t sum = 0;
  for (const Counter& place : histogram.places)
    sum += place.value();
  EXPECT_EQ(sum, 2U);
  EXPECT_EQ(histogram.places.front().value(), 1U);
  EXPECT_EQ(histogram.places.back().value(), 1U);
}

/// Of a server that works.
class CountedRequests : public ServerTest {
 protected:
  std::uint64_t count(const char* root, Method method, std::size_t status_class) {
    return requests->of(root == nullptr ? nullptr : router.find(root))
        .requests[static_cast<std::size_t>(method)][status_class - 2]
        .value();
  }
};

TEST_F(CountedRequests, ByRootMethodAndStatus) {
  root("a", {Method::kGet}, [](const Request&, Reply reply) { reply.send("a"); });
  start();
  Client client(*this);
  client.send(
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"
      "OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\nDELETE /a HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n");
  client.receive();
  EXPECT_EQ(count("/a", Method::kGet, 2), 1U);
  EXPECT_EQ(count("/a", Method::kHead, 2), 1U);
  EXPECT_EQ(count("/a", Method::kOptions, 2), 1U);
  EXPECT_EQ(requests->of(router.find("/a")).requests[RootStatistics::kOtherMethods][2].value(), 1U);
  EXPECT_EQ(count(nullptr, Method::kGet, 4), 1U);
  EXPECT_EQ(requests->of(nullptr).requests[RootStatistics::kOtherMethods][2].value(), 1U) << "nonsense";
  EXPECT_EQ(statistics.refusal(http::Refusal::kMalformedRequestLine).value(), 1U);
  EXPECT_EQ(statistics.refusal(http::Refusal::kNoSuchRoot).value(), 1U);
}

TEST_F(CountedRequests, TimesOfHandlersThatAnswerAtOnceAndLater) {
  std::optional<Reply> kept;
  root("slow", {Method::kGet}, [](const Request&, Reply reply) {
    ::usleep(2000);
    reply.send("");
  });
  root("later", {Method::kGet}, [&](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  start();
  Client client(*this);
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive(0);
  const Histogram& slow = requests->of(router.find("/slow")).handler_time;
  EXPECT_GE(slow.nanoseconds.value(), 2'000'000U) << "by an exact clock";
  const Histogram& later = requests->of(router.find("/later")).handler_time;
  EXPECT_EQ(later.nanoseconds.value(), 0U);
  EXPECT_EQ(statistics.value(Statistics::kRequestsInProgress), 1U);
  ::usleep(3000);
  kept->send("");
  client.receive();
  EXPECT_GE(later.nanoseconds.value(), 3'000'000U);
  EXPECT_EQ(statistics.value(Statistics::kRequestsInProgress), 0U);
  EXPECT_EQ(statistics.value(Statistics::kIdleConnections), 1U);
}

TEST_F(CountedRequests, RepliesThatClientsDoNotTake) {
  constexpr std::size_t kSize = std::size_t{16} << 20U;  // more than the kernel takes
  root("large", {Method::kGet}, [](const Request&, Reply reply) { reply.send(std::string(kSize, 'x')); });
  start();
  {
    Client client(*this);
    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    settle();
    EXPECT_EQ(statistics.value(Statistics::kRepliesInFlight), 1U);
    EXPECT_GT(statistics.value(Statistics::kBytesWaiting), 1U << 20U);
    EXPECT_EQ(statistics.value(Statistics::kIdleConnections), 0U);
    std::size_t received = 0;
    for (std::size_t piece = 1; received < kSize && piece > 0; received += piece)
      piece = client.receive(1).size();
    EXPECT_GT(received, kSize);
    settle();
    EXPECT_EQ(statistics.value(Statistics::kRepliesInFlight), 0U);
    EXPECT_EQ(statistics.value(Statistics::kBytesWaiting), 0U);
    EXPECT_EQ(statistics.value(Statistics::kIdleConnections), 1U);
    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    settle();
    EXPECT_GT(statistics.value(Statistics::kBytesWaiting), 1U << 20U);
  }
  settle();
  EXPECT_EQ(statistics.value(Statistics::kOpenConnections), 0U);
  EXPECT_EQ(statistics.value(Statistics::kRepliesInFlight), 0U);
  EXPECT_EQ(statistics.value(Statistics::kBytesWaiting), 0U);
  EXPECT_EQ(statistics.value(Statistics::kIdleConnections), 0U);
}

}  // namespace
}  // namespace httpd::server
