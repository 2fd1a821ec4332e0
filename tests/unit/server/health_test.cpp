// Tests of the answers about the server's health. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/health.h"

#include <chrono>
#include <gmock/gmock.h>

#include "fixture.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class HealthTest : public ServerTest {
 protected:
  void SetUp() override {
    settings.health_root = "health";
    health = register_health(settings, router);
    root("keep", {Method::kGet}, [this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  }
  void start_with_health() {
    start();
    server->answer_health(*health);
  }
  std::string ask(std::string_view path) {
    Client client(*this);
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.receive();
  }
  /// Connections of 127.0.0.1 find no ordinary place any more, nor the one that is reserved for this machine.
  void fill() {
    crowd.push_back(std::make_unique<Client>(*this));
    crowd.push_back(std::make_unique<Client>(*this));
  }

  HealthHandler* health = nullptr;
  std::optional<Reply> kept;
  std::vector<std::unique_ptr<Client>> crowd;
};

TEST_F(HealthTest, IsOffUnlessSet) {
  Settings off;
  Router none;
  EXPECT_EQ(register_health(off, none), nullptr);
  EXPECT_TRUE(none.routes().empty());
}

TEST_F(HealthTest, LiveAndReady) {
  start_with_health();
  EXPECT_THAT(ask("/health/live"), StartsWith("HTTP/1.1 200 "));
  const std::string ready = ask("/health/ready");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ready, HasSubstr("\r\nCache-Control: no-store\r\n"));
  EXPECT_THAT(ask("/health"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("/health/else"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(HealthTest, NotReadyWhileTheServerDrains) {
  start_with_health();
  Client busy(*this);
  busy.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  Client asking(*this);
  asking.send("GET /health/ready HTTP/1.1\r\nHost: a\r\n");
  settle();
  server->drain([] {});
  asking.send("\r\n");
  EXPECT_THAT(asking.receive(), StartsWith("HTTP/1.1 503 "));
  kept->send("");
  settle();
}

TEST_F(HealthTest, LivesAlsoWhereNoHandlerIsCalledAnyMore) {
  start_with_health();
  Client asking(*this);
  asking.send("GET /health/live HTTP/1.1\r\nHost: a\r\n");
  Client other(*this);
  other.send("GET /keep HTTP/1.1\r\nHost: a\r\n");
  settle();
  asking.send("\r\n");
  other.send("\r\n");
  server->drain([] {}, Server::Waiting::kRefused);
  EXPECT_THAT(asking.receive(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(other.receive(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HealthTest, NotReadyWhileAllHandlersAreStuck) {
  struct Stuck final : Dispatcher {
    void dispatch(Exchange& /*request*/, Reply reply) override { reply.send("elsewhere"); }
    [[nodiscard]] bool is_stuck() const noexcept override { return stuck; }
    bool stuck = false;
  } dispatcher;
  start_with_health();
  server->use_dispatcher(dispatcher);
  EXPECT_THAT(ask("/keep"), HasSubstr("elsewhere"));
  EXPECT_THAT(ask("/health/ready"), HasSubstr("\r\n\r\nready\n")) << "answered here";
  dispatcher.stuck = true;
  EXPECT_THAT(ask("/health/ready"), HasSubstr("\r\n\r\nnot ready: all handler processes are stuck\n"));
  EXPECT_THAT(ask("/health/live"), StartsWith("HTTP/1.1 200 "));
  server.reset();
}

TEST_F(HealthTest, IsAnsweredWhenNoConnectionMayBeOpenedAnyMore) {
  settings.max_connections = 1;
  start_with_health();
  fill();
  EXPECT_THAT(ask("/health/ready"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("/health/live"), HasSubstr("\r\nConnection: close\r\n")) << "the place is for others, too";
  EXPECT_THAT(ask("/keep"), StartsWith("HTTP/1.1 503 "));
  EXPECT_FALSE(kept.has_value());
  EXPECT_EQ(statistics.refusal(http::Refusal::kTooManyConnections).value(), 1U);
}

TEST_F(HealthTest, IsAnsweredWhenTooManyAreTurnedAway) {
  settings.max_connections = 1;
  start_with_health();
  fill();
  for (std::size_t i = 0; i < 3 * Admission::kTurnedAwayPlaces; ++i)
    crowd.push_back(std::make_unique<Client>(*this));
  EXPECT_THAT(ask("/health/ready"), StartsWith("HTTP/1.1 200 "));
  EXPECT_LE(server->connections(), 2 + Admission::kTurnedAwayPlaces);
  EXPECT_THAT(crowd[2]->receive(), StartsWith("HTTP/1.1 503 ")) << "who had to give way is told why";
  EXPECT_TRUE(crowd[2]->ended);
  EXPECT_FALSE(crowd[2]->reset);
  EXPECT_EQ(crowd.back()->receive(), "") << "who came last may still ask";
  EXPECT_FALSE(crowd.back()->ended);
}

TEST_F(HealthTest, PlacesAreTakenFromThoseInTheMiddleToo) {
  settings.max_connections = 1;
  start_with_health();
  fill();
  for (std::size_t i = 0; i < Admission::kTurnedAwayPlaces; ++i) {
    crowd.push_back(std::make_unique<Client>(*this));
    crowd.back()->send(i % 2 == 0 ? "GET /health/ready HT" : "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  settle(0);
  for (std::size_t i = 0; i < Admission::kTurnedAwayPlaces; ++i)
    EXPECT_THAT(ask("/health/ready"), StartsWith("HTTP/1.1 200 ")) << i;
}

TEST_F(HealthTest, WhoIsTurnedAwayAndAsksForNothingIsToldSoSoon) {
  settings.max_connections = 1;
  start_with_health();
  fill();
  Client silent(*this);
  Client slow(*this);
  slow.send("GET /health/ready HT");
  std::string told;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
       told.empty() && std::chrono::steady_clock::now() < end;)
    told = silent.receive(100);
  EXPECT_THAT(told, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(slow.receive(100), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HealthTest, NoRateCountsForIt) {
  settings.max_request_rate = 1;
  start_with_health();
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(ask("/health/live"), StartsWith("HTTP/1.1 200 ")) << i;
}

TEST_F(HealthTest, RulesOfAccessCount) {
  settings.access.rules.push_back(AccessRule::parse("root=health; deny=127.0.0.1"));
  start_with_health();
  EXPECT_THAT(ask("/health/live"), StartsWith("HTTP/1.1 403 "));
}

TEST_F(HealthTest, OutlivesItsServer) {
  start_with_health();
  server.reset();
  start();
  EXPECT_THAT(ask("/health/ready"), HasSubstr("not ready")) << "of a server that nobody told it of";
}

}  // namespace
}  // namespace httpd::server
