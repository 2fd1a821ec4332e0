// Tests of what people who look are told. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/server_monitor.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <numeric>

#include "tls_connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::StartsWith;

class ServerMonitorTest : public TlsConnectionTest {
 protected:
  void SetUp() override {
    TlsConnectionTest::SetUp();
    root("mi", {Method::kGet}, [](const Request&, Reply reply) { reply.send("done"); });
    root("mi.", {Method::kGet}, [](const Request&, Reply reply) { reply.status(503).send("not done"); });
    board.take_over();
  }
  void look() {
    server->show_requests(board);
    server->count_requests(*requests);
    monitor.begin(*server, *requests);
  }
  void start_looked_at() {
    start();
    look();
  }
  [[nodiscard]] Monitor::Statistic statistic(std::string_view name) const {
    for (const Monitor::Statistic& statistic : monitor.statistics())
      if (statistic.name == name) return statistic;
    ADD_FAILURE() << "no " << name;
    return {};
  }
  [[nodiscard]] Monitor::Root of(std::string_view name) const {
    for (Monitor::Root& root : monitor.roots())
      if (root.root == name) return root;
    ADD_FAILURE() << "no root " << name;
    return {};
  }
  std::string ask(std::string_view path) {
    Client client(*this);
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.receive();
  }

  RequestBoard board;
  ServerMonitor monitor{statistics, board, router};
};

TEST_F(ServerMonitorTest, KnowsNothingButNumbersBeforeItBegins) {
  start();
  ask("/mi");
  EXPECT_EQ(statistic("httpd:requests").value, 1U) << "numbers alone are for everybody";
  EXPECT_TRUE(monitor.roots().empty());
  EXPECT_TRUE(monitor.requests().empty());
  EXPECT_TRUE(monitor.workers().empty());
  EXPECT_TRUE(monitor.clients(10).empty());
  EXPECT_TRUE(monitor.certificates().empty());
  EXPECT_TRUE(monitor.refusals().empty());
  EXPECT_FALSE(monitor.is_draining());
}

TEST_F(ServerMonitorTest, TellsStatisticsAlsoWhereTheyWereReset) {
  start_looked_at();
  ask("/mi");
  EXPECT_EQ(statistic("httpd:requests").value, 1U);
  statistics.counter(Statistics::kRequests).reset();
  ask("/mi");
  EXPECT_EQ(statistic("httpd:requests").value, 1U);
  EXPECT_EQ(statistic("httpd:requests").total, 2U);
  EXPECT_TRUE(statistic("httpd:requests").incremental);
  EXPECT_FALSE(statistic("httpd:open_connections").incremental);
  EXPECT_EQ(statistic("httpd:refusals_no_such_root").value, 0U);
}

TEST_F(ServerMonitorTest, TellsRootsWithWhatTheyAnsweredAndHowFast) {
  start_looked_at();
  ask("/mi");
  ask("/mi");
  ask("/mi.");
  const Monitor::Root mi = of("mi");
  EXPECT_EQ(mi.module, "test");
  EXPECT_EQ(mi.statistic, "mi");
  EXPECT_EQ(mi.replies, (std::array<std::uint64_t, 4>{2, 0, 0, 0}));
  EXPECT_EQ(mi.handler_time.counts.size(), mi.handler_time.bounds.size() + 1);
  EXPECT_EQ(std::accumulate(mi.handler_time.counts.begin(), mi.handler_time.counts.end(), std::uint64_t{0}),
            2U);
  EXPECT_GT(mi.handler_time.sum.count(), 0);
  EXPECT_EQ(of("mi.").replies, (std::array<std::uint64_t, 4>{0, 0, 0, 1}));
  EXPECT_EQ(of("mi.").statistic, "mi_");
}

TEST_F(ServerMonitorTest, TellsRequestsThatAreWithHandlers) {
  start_looked_at();
  Client client(*this);
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  const std::vector<Monitor::Request> requests_now = monitor.requests();
  ASSERT_EQ(requests_now.size(), 1U);
  EXPECT_EQ(requests_now[0].root, "hold");
  EXPECT_EQ(requests_now[0].line, "GET /hold HTTP/1.1");
  EXPECT_THAT(requests_now[0].client, StartsWith("127.0.0.1:"));
  EXPECT_EQ(requests_now[0].state, "kept");
  EXPECT_EQ(requests_now[0].process, ::getpid());
  kept->send("");
  client.receive();
  EXPECT_TRUE(monitor.requests().empty());
}

TEST_F(ServerMonitorTest, TellsOfABusyProcessAlsoWhereTheBoardIsFull) {
  struct FakeDispatcher final : Dispatcher {
    void dispatch(Exchange& /*request*/, Reply reply) override { reply.send(""); }
    std::vector<Worker> workers() const override { return {busy, {2, 1235}}; }
    Worker busy{1, 1234, "mi", std::chrono::steady_clock::now() - std::chrono::seconds(5)};
  } dispatcher;
  root(
      "fill", {Method::kGet},
      [this](const Request& request, Reply reply) {
        std::size_t slot = 0;
        while (slot != RequestBoard::kNone)
          slot = board.open(static_cast<const Exchange&>(request), RequestBoard::State::kKept, 0, loop.now());
        reply.send("");
      },
      true);
  start_looked_at();
  server->use_dispatcher(dispatcher);
  ask("/fill");
  const std::vector<Monitor::Worker> workers = monitor.workers();
  ASSERT_EQ(workers.size(), 2U);
  EXPECT_EQ(workers[0].request, "/mi");
  EXPECT_GE(workers[0].age, std::chrono::seconds(5));
  EXPECT_EQ(workers[1].request, "");
}

TEST_F(ServerMonitorTest, TellsClientsByTheirConnections) {
  start_looked_at();
  Client one(*this);
  Client two(*this);
  settle();
  const std::vector<Monitor::Client> clients = monitor.clients(10);
  ASSERT_EQ(clients.size(), 1U);
  EXPECT_EQ(clients[0].address, "127.0.0.1");
  EXPECT_EQ(clients[0].connections, 2U);
}

TEST_F(ServerMonitorTest, TellsRefusalsWithTheirParameter) {
  settings.limits.max_uri_size = 64;
  start_looked_at();
  ask("/nothing/\x07\"here");
  ask("/" + std::string(100, 'x'));
  const std::vector<Monitor::Refusal> refusals = monitor.refusals();
  ASSERT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals[0].status, 414);
  EXPECT_EQ(refusals[0].parameter, "max_uri_size");
  EXPECT_EQ(refusals[0].statistic, "httpd:refusals_target_too_long");
  EXPECT_FALSE(refusals[0].reason.empty());
  EXPECT_THAT(refusals[0].client, StartsWith("127.0.0.1:"));
  EXPECT_THAT(refusals[0].request, StartsWith("GET /xxx"));
  EXPECT_THAT(refusals[1].request, StartsWith("GET /nothing/\\x07\\\"here")) << "no control character";
}

TEST_F(ServerMonitorTest, TellsRefusedConnections) {
  settings.max_connections = 1;
  start_looked_at();
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 60; ++i)
    crowd.push_back(std::make_unique<Client>(*this));
  settle();
  EXPECT_EQ(monitor.refusals().size(), Monitor::kRefusals) << "also those that are not even told in order";
  EXPECT_EQ(monitor.refusals()[0].parameter, "max_connections");
}

TEST_F(ServerMonitorTest, TellsCertificatesInService) {
  start_looked_at();
  EXPECT_TRUE(monitor.certificates().empty());
  server->use_tls(net::load_credentials({&net::pki::server()}));
  const std::vector<Monitor::Certificate> certificates = monitor.certificates();
  ASSERT_EQ(certificates.size(), 1U);
  EXPECT_FALSE(certificates[0].names.empty());
  EXPECT_FALSE(certificates[0].subject.empty());
  EXPECT_GT(certificates[0].not_after, std::time(nullptr));
}

TEST_F(ServerMonitorTest, TellsWhenTheServerEnds) {
  start_looked_at();
  EXPECT_FALSE(monitor.is_draining());
  server->announce_drain();
  EXPECT_FALSE(monitor.is_draining()) << "everything is served as before";
  server->drain([] {});
  EXPECT_TRUE(monitor.is_draining());
}

}  // namespace
}  // namespace httpd::server
