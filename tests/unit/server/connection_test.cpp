// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/connection.h"

#include <gmock/gmock.h>
#include <optional>
#include <unistd.h>

#include "connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

TEST_F(ConnectionTest, ClosesWhenTheClientAsks) {
  start();
  Client client(*this);
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(without_date(client.receive()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\nConnection: "
            "close\r\n\r\nhello");
  EXPECT_TRUE(client.ended);
}

TEST_F(ConnectionTest, Http10ClosesUnlessAskedToKeep) {
  start();
  Client client(*this);
  client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("Connection: keep-alive\r\n"));
  client.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.ended);
}

TEST_F(ConnectionTest, AKeptReplyIsFinishedLater) {
  start();
  Client client(*this);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(client.receive(), "");
  ASSERT_TRUE(kept);
  EXPECT_FALSE(kept->client_gone());
  kept->status(201).send("late");
  const std::string got = without_date(client.receive());
  EXPECT_THAT(got, StartsWith("HTTP/1.1 201 Created\r\n"));
  EXPECT_THAT(got, ::testing::EndsWith(kHelloReply)) << "the request behind it had to wait";
}

TEST_F(ConnectionTest, AKeptReplyLearnsThatItsClientIsGone) {
  start();
  Client client(*this);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  ASSERT_TRUE(kept);
  const linger hard{1, 0};
  ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  client.close();
  settle();
  EXPECT_TRUE(kept->client_gone());
  EXPECT_EQ(server->connections(), 0U);
  kept->send("nobody reads this");
}

TEST_F(ConnectionTest, AReplyMayOutliveTheServer) {
  start();
  Client client(*this);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  server.reset();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->client_gone());
  kept.reset();
}

TEST_F(ConnectionTest, AnIdleConnectionIsClosedOnTimeWithNoOtherEvent) {
  settings.conn_timeout = 1s;
  start();
  Client client(*this);
  client.send(kGet);
  client.receive(0);
  const auto begin = std::chrono::steady_clock::now();
  while (!client.ended && std::chrono::steady_clock::now() < begin + 4s)
    client.receive(100);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 900ms);
  EXPECT_LE(took, 2s);
}

TEST_F(ConnectionTest, TrickledHeadsAndBodiesAreAnsweredWith408) {
  settings.header_timeout = 1s;
  settings.body_timeout = 1s;
  settings.conn_timeout = 0s;
  start();
  Client head(*this);
  Client body(*this);
  Client idle(*this);
  head.send("GET /hello HTTP/1.1\r\nHo");
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab");
  settle();
  EXPECT_THAT(head.receive(1300), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(head.ended);
  EXPECT_THAT(body.receive(0), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(statistics.value(Statistics::kTimeouts), 2U);
  EXPECT_TRUE(log.contains("header_timeout"));
  EXPECT_TRUE(log.contains("body_timeout"));
  idle.receive(0);
  EXPECT_FALSE(idle.ended) << "conn_timeout 0 means never";
}

TEST_F(ConnectionTest, AClientThatDoesNotReadIsCutOff) {
  settings.send_timeout = 1s;
  start();
  Client client(*this);
  for (int i = 0; i < 4; ++i)
    client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  settle(1500);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_TRUE(log.contains("send_timeout"));
}

TEST_F(ConnectionTest, ARequestStaysWhileItsReplyIsKept) {
  const Request* seen = nullptr;
  std::optional<Reply> held;
  root("hold", {Method::kGet}, [&](const Request& request, Reply reply) {
    seen = &request;
    held.emplace(std::move(reply));
  });
  start();
  Client client(*this);
  client.send("GET /hold/mine HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  const linger hard{1, 0};
  ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  client.close();
  settle();
  ASSERT_TRUE(held->client_gone());
  Client other(*this);
  other.send("GET /hello/not-mine HTTP/1.1\r\nHost: a\r\n\r\n");
  other.receive();
  EXPECT_EQ(seen->target(), "/hold/mine");
  EXPECT_EQ(seen->path(), "/mine");
  EXPECT_EQ(seen->server().sa_family, AF_INET);
  held->status(201).header("X-A", "b").send("nobody reads this");
  held.reset();
  other.send(kGet);
  EXPECT_EQ(without_date(other.receive()), kHelloReply);
}

TEST_F(ConnectionTest, AClientThatLeftWithItsRequestIsNoticed) {
  start();
  Client client(*this);
  send_and_reset(client, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->client_gone());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ConnectionTest, APipelineOfSlowRequestsLetsOthersIn) {
  int slow = 0;
  int slow_before_other = -1;
  root("slow", {Method::kGet}, [&](const Request&, Reply reply) {
    ++slow;
    ::usleep(3000);
    reply.send("");
  });
  root("other", {Method::kGet}, [&](const Request&, Reply reply) {
    slow_before_other = slow;
    reply.send("");
  });
  start();
  Client greedy(*this);
  Client other(*this);
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
  greedy.send(all);
  other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
  other.receive();
  EXPECT_EQ(slow, 100);
  EXPECT_GE(slow_before_other, 0);
  EXPECT_LT(slow_before_other, 10);
}

}  // namespace
}  // namespace httpd::server
