// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(ConnectionTest, LargeRepliesArriveWholeWhateverTheClientsPace) {
  start();
  Client client(*this);
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  const std::string got = client.receive();
  EXPECT_EQ(got.size(), got.find("\r\n\r\n") + 4 + (8 << 20) + got.size() - got.rfind("HTTP/1.1"));
  EXPECT_THAT(without_date(got.substr(got.rfind("HTTP/1.1"))), kHelloReply);
}

TEST_F(ConnectionTest, HeadHasTheHeadOfGet) {
  start();
  Client client(*this);
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string expected(kHelloReply.substr(0, kHelloReply.size() - 5));
  EXPECT_EQ(without_date(client.receive()), expected);
}

TEST_F(ConnectionTest, TellsWhichMethodsARootTakes) {
  start();
  Client client(*this);
  client.send("OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(without_date(client.receive()), "HTTP/1.1 204 No Content\r\nAllow: POST, PUT, OPTIONS\r\n\r\n");
  client.send("DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string refused = client.receive();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(refused, HasSubstr("Allow: GET, HEAD, OPTIONS\r\n"));
}

TEST_F(ConnectionTest, HandlersThatFailAreAnsweredWith500AndLogged) {
  start();
  Client client(*this);
  client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\nGET /drop HTTP/1.1\r\nHost: a\r\n\r\n" +
              std::string(kGet));
  const std::string got = without_date(client.receive());
  EXPECT_THAT(got, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(got, ::testing::EndsWith(kHelloReply)) << "and the connection lives on";
  EXPECT_EQ(statistics.value(Statistics::kReplies5xx), 2U);
  EXPECT_TRUE(log.contains("oh \\x01 no"));
  EXPECT_TRUE(log.contains("root drop"));
}

TEST_F(ConnectionTest, StreamsInChunks) {
  pieces = {{1, "one"}, {BodySource::kLater, ""}, {1, "three"}};
  start();
  Client client(*this);
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  const std::string got = without_date(client.receive(200));
  EXPECT_EQ(got,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\none\r\n5\r\nthree\r\n0\r\n\r\n" +
                std::string(kHelloReply));
}

TEST_F(ConnectionTest, StreamsUntilCloseForHttp10) {
  pieces = {{1, "one"}, {1, "two"}};
  start();
  Client client(*this);
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(without_date(client.receive()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nonetwo");
  EXPECT_TRUE(client.ended);
}

TEST_F(ConnectionTest, AnEmptyStreamHasALength) {
  start();
  Client client(*this);
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("Content-Length: 0\r\n"));
  client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  EXPECT_THAT(without_date(client.receive()), ::testing::EndsWith(kHelloReply));
}

TEST_F(ConnectionTest, ABrokenStreamIsNotAnEnd) {
  pieces = {{1, "one"}, {BodySource::kBroken, ""}};
  start();
  for (const std::string version : {"1.0", "1.1"}) {
    Client client(*this);
    client.send("GET /stream HTTP/" + version + "\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.receive(), Not(HasSubstr("0\r\n\r\n")));
    EXPECT_TRUE(client.reset) << version;
  }
  pieces = {{BodySource::kBroken, ""}};
  Client early(*this);
  early.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(early.receive(), StartsWith("HTTP/1.1 500 "));
  EXPECT_FALSE(early.ended);
}

TEST_F(ConnectionTest, AReplyNobodyTakesGoesToNobodyElse) {
  start();
  for (int round = 0; round < 50; ++round) {
    Client gone(*this);
    Client other(*this);
    send_and_reset(gone, post("/echo", "a secret"));
    other.send(kGet);
    EXPECT_EQ(without_date(other.receive(0)), kHelloReply);
  }
}

TEST_F(ConnectionTest, AStreamThatWaitsEndsWithItsClient) {
  static int alive;
  struct Waiting final : BodySource {
    Waiting() { ++alive; }
    ~Waiting() override { --alive; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t /*size*/) override {
      if (position > 0) return kLater;
      *buffer = 'x';
      return 1;
    }
  };
  alive = 0;
  root("wait", {Method::kGet},
       [](const Request&, Reply reply) { reply.stream(std::make_unique<Waiting>()); });
  start();
  const std::string request = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
  Client at_once(*this);
  send_and_reset(at_once, request);
  Client later(*this);
  later.send(request);
  settle(0);
  send_and_reset(later, "");
  settle(100);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ConnectionTest, UnreadInputDoesNotCutALargeReply) {
  start();
  Client client(*this);
  client.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  settle();
  client.send("\r\n");
  const std::string got = client.receive();
  EXPECT_EQ(got.size(), got.find("\r\n\r\n") + 4 + (8 << 20));
  EXPECT_FALSE(client.reset);
}

TEST_F(ConnectionTest, AStreamMayThrowAnything) {
  struct Thrower final : BodySource {
    std::ptrdiff_t read(std::uint64_t /*position*/, char* /*buffer*/, std::size_t /*size*/) override {
      throw 42;
    }
  };
  root("int", {Method::kGet}, [](const Request&, Reply reply) { reply.stream(std::make_unique<Thrower>()); });
  start();
  Client client(*this);
  client.send("GET /int HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 500 "));
  EXPECT_EQ(statistics.value(Statistics::kReplies5xx), 1U);
  EXPECT_EQ(statistics.value(Statistics::kReplies2xx), 0U);
}

TEST_F(ConnectionTest, A205HasNoContent) {
  root("reset", {Method::kGet}, [](const Request&, Reply reply) { reply.status(205).send("body"); });
  start();
  Client client(*this);
  client.send("GET /reset HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string got = client.receive();
  EXPECT_THAT(got, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(got, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(ConnectionTest, AHandlersOwn405NamesTheOtherMethods) {
  root("own", {Method::kGet, Method::kPost}, [](const Request&, Reply reply) { reply.status(405).send(""); });
  root("told", {Method::kGet},
       [](const Request&, Reply reply) { reply.status(405).header("allow", "PUT").send(""); });
  start();
  Client client(*this);
  client.send("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("Allow: POST, OPTIONS\r\n"));
  client.send("GET /told HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(), Not(HasSubstr("Allow: ")));
}

}  // namespace
}  // namespace httpd::server
