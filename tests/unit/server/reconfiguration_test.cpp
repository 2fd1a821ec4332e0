// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reconfiguration.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

#include "fixture.h"

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ReconfigurationTest : public ServerTest {
 protected:
  void SetUp() override {
    root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
    start();
  }
  /// What is wrong with `next`, or "" once it is in force.
  std::string change(Settings next) {
    try {
      Reconfiguration made = prepare(settings, std::move(next), router, log);
      server->change(settings, made);
      settle();
      return {};
    } catch (const ConfigError& error) {
      return error.what();
    }
  }
  std::string ask(Client& client, std::string_view target) {
    client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return client.receive();
  }
  static constexpr std::string_view kLong =
      "/hello?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
};

TEST_F(ReconfigurationTest, HoldsForOpenConnections) {
  Client client(*this);
  EXPECT_THAT(ask(client, kLong), StartsWith("HTTP/1.1 200"));
  Settings next;
  next.access.rules.push_back(AccessRule::parse("root=hello; deny=127.0.0.0/8"));
  EXPECT_EQ(change(next), "");
  EXPECT_THAT(ask(client, kLong), HasSubstr("HTTP/1.1 403"));
  next = Settings();
  next.limits.max_uri_size = 64;
  EXPECT_EQ(change(next), "");
  EXPECT_THAT(ask(client, kLong), HasSubstr("HTTP/1.1 414"));
}

TEST_F(ReconfigurationTest, WhatIsWrongChangesNothing) {
  Settings next;
  next.limits.max_uri_size = 64;
  next.access.rules.push_back(AccessRule::parse("root=nowhere; auth=off"));
  EXPECT_THAT(change(next), HasSubstr("there is no root path"));
  next = Settings();
  next.limits.max_uri_size = 64;
  next.access.auth.file = "/nowhere/users";
  EXPECT_THAT(change(next), HasSubstr("/nowhere/users"));
  Client client(*this);
  EXPECT_THAT(ask(client, kLong), StartsWith("HTTP/1.1 200"));
}

TEST_F(ReconfigurationTest, WhatGoesOnlyWithWhatTakesARestartIsRefused) {
  Settings next;
  next.tls.certificate_files.push_back({"cert", {}});
  next.tls.key_files.emplace_back("key");
  next.tls.options.ca_file = "ca";
  next.tls.options.verify_client = net::TlsVerifyClient::kOptional;
  next.access.rules.push_back(AccessRule::parse("root=hello; client_cert=on"));
  EXPECT_THAT(change(next), HasSubstr("this configuration takes a restart"));
}

TEST_F(ReconfigurationTest, IdleConnectionsGetTheNewLimit) {
  Client client(*this);
  EXPECT_THAT(ask(client, "/hello"), StartsWith("HTTP/1.1 200"));
  Settings next;
  next.conn_timeout = std::chrono::seconds(1);
  EXPECT_EQ(change(next), "");
  settle(1500);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ReconfigurationTest, AServerThatLeavesClosesWithTheNextReply) {
  Client busy(*this);
  Client idle(*this);
  settle();
  EXPECT_EQ(server->connections(), 2U);
  bool done = false;
  EXPECT_FALSE(server->draining());
  server->leave(std::chrono::seconds(1), [&] { done = true; });
  EXPECT_TRUE(server->draining());
  EXPECT_EQ(server->connections(), 2U) << "clients may be about to send";
  EXPECT_THAT(ask(busy, "/hello"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close")));
  EXPECT_FALSE(done);
  busy.close();
  settle(1500);
  EXPECT_TRUE(done) << "quiet for a second";
}

TEST_F(ReconfigurationTest, ALeavingServerMayBeDrained) {
  Client idle(*this);
  settle();
  bool done = false;
  server->leave(std::chrono::seconds(100), [] { FAIL() << "replaced"; });
  server->drain([&] { done = true; });
  settle();
  EXPECT_TRUE(done);
}

TEST_F(ReconfigurationTest, WhoIsDismissedIsToldWithTheReplyAndNotBefore) {
  Client client(*this);
  Client idle(*this);
  settle();
  server->dismiss();
  settle();
  EXPECT_EQ(server->connections(), 2U);
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string replies = client.receive();
  const std::size_t second = replies.rfind("HTTP/1.1 200");
  EXPECT_GT(second, 0U) << "a request that waits is served before";
  EXPECT_THAT(replies.substr(0, second), ::testing::Not(HasSubstr("Connection: close")));
  EXPECT_THAT(replies.substr(second), HasSubstr("Connection: close"));
  Client late(*this);
  EXPECT_THAT(ask(late, "/hello"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close")));
  idle.receive();
  EXPECT_FALSE(idle.ended);
}

TEST_F(ReconfigurationTest, AnEndThatIsAnnouncedChangesNothingElse) {
  server->announce_drain();
  EXPECT_TRUE(server->draining());
  Client client(*this);
  EXPECT_THAT(ask(client, "/hello"), ::testing::Not(HasSubstr("Connection: close")));
}

}  // namespace
}  // namespace httpd::server
