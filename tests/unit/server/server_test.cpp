// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/server.h"

#include <gmock/gmock.h>
#include <optional>

#include "fixture.h"

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class WholeServerTest : public ServerTest {
 protected:
  void SetUp() override {
    root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
    root("keep", {Method::kGet}, [this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  }
  std::optional<Reply> kept;
};

TEST_F(WholeServerTest, CountsConnections) {
  start();
  Client one(*this);
  {
    Client two(*this);
    EXPECT_EQ(server->connections(), 2U);
    EXPECT_EQ(statistics.value(Statistics::kOpenConnections), 2U);
  }
  settle();
  EXPECT_EQ(server->connections(), 1U);
  EXPECT_EQ(statistics.value(Statistics::kOpenConnections), 1U);
  EXPECT_EQ(statistics.value(Statistics::kAcceptedConnections), 2U);
}

TEST_F(WholeServerTest, DrainingAnIdleServerIsImmediate) {
  start();
  Client idle(*this);
  bool done = false;
  server->drain([&] { done = true; });
  EXPECT_TRUE(done);
  idle.receive();
  EXPECT_TRUE(idle.ended);
}

TEST_F(WholeServerTest, WhoHasConnectedToASocketThatIsKeptWaitsForTheNextServer) {
  server = std::make_unique<Server>(loop, settings, router, log, statistics);
  server->serve(socket, false, false, true);
  const net::UniqueFd early(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(early.get(), &socket.address().get(), socket.address().size()), 0);
  server->stop_accepting();
  EXPECT_EQ(server->connections(), 0U);
  const net::UniqueFd next(::accept(socket.descriptor(), nullptr, nullptr));
  EXPECT_TRUE(next) << "it was taken from the next one";
}

TEST_F(WholeServerTest, WhoHasConnectedBeforeTheEndIsServed) {
  start();
  const net::UniqueFd early(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(early.get(), &socket.address().get(), socket.address().size()), 0);
  ASSERT_GT(::send(early.get(), kGet.data(), kGet.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(server->connections(), 0U) << "neither seen yet";
  server->stop_accepting();
  EXPECT_EQ(server->connections(), 1U);
  bool done = false;
  server->drain([&] { done = true; });
  settle();
  char buffer[4096];
  const ssize_t size = ::recv(early.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_THAT(std::string(buffer, static_cast<std::size_t>(size)),
              AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("Connection: close")));
}

TEST_F(WholeServerTest, DrainingMayRefuseWhatNoHandlerHasBegunWith) {
  start();
  Client waiting(*this);
  Client half(*this);
  Client uploading(*this);
  Client late(*this);
  waiting.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  half.send("GET /hello HTTP/1.1\r\n");
  uploading.send("GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
  settle();
  late.send(kGet);  // arrived, but not seen yet
  bool done = false;
  server->drain([&] { done = true; }, Server::Waiting::kRefused);
  const std::string late_got = late.receive(0);
  EXPECT_THAT(late_got, HasSubstr("HTTP/1.1 503 "));
  EXPECT_THAT(late_got, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(late_got, HasSubstr("\r\n\r\nThe server is shutting down\n"));
  EXPECT_TRUE(late.ended);
  EXPECT_THAT(half.receive(), HasSubstr("HTTP/1.1 503 ")) << "the rest is not waited for";
  EXPECT_TRUE(half.ended);
  EXPECT_THAT(uploading.receive(), HasSubstr("HTTP/1.1 503 "));
  EXPECT_TRUE(uploading.ended);
  EXPECT_FALSE(done);
  kept->send("done");
  const std::string waiting_got = waiting.receive();
  EXPECT_THAT(waiting_got, HasSubstr("HTTP/1.1 200 "));
  EXPECT_THAT(waiting_got, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(waiting_got, Not(HasSubstr("503"))) << "the request behind it goes unanswered, after a close";
}

TEST_F(WholeServerTest, DrainingFinishesWhatIsInProgress) {
  start();
  Client waiting(*this);
  Client sending(*this);
  Client late(*this);
  waiting.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  sending.send("GET /hello HTTP/1.1\r\n");
  settle();
  late.send(kGet);  // arrived, but not seen yet
  bool done = false;
  server->drain([&] { done = true; });
  EXPECT_FALSE(done);
  EXPECT_THAT(late.receive(0), HasSubstr("\r\n\r\nhello"));
  EXPECT_TRUE(late.ended);
  sending.send("Host: a\r\n\r\n");
  EXPECT_THAT(sending.receive(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(sending.ended);
  EXPECT_FALSE(done);
  kept->send("done");
  EXPECT_THAT(waiting.receive(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(waiting.ended);
  // The server has closed its side; the clients close theirs.
  late.close();
  sending.close();
  waiting.close();
  settle();
  EXPECT_TRUE(done);
}

TEST_F(WholeServerTest, HandlersGetTimersAndDescriptorsOnItsLoop) {
  FunctionHandler& handler =
      root("loop", {Method::kGet}, [](const Request&, Reply reply) { reply.send(""); });
  start();
  ASSERT_NE(handler.process_loop, nullptr);
  int timer_calls = 0;
  int descriptor_calls = 0;
  std::unique_ptr<Loop::Subscription> timer;
  std::unique_ptr<Loop::Subscription> watch;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const net::UniqueFd near(pair[0]);
  const net::UniqueFd far(pair[1]);
  timer = handler.process_loop->after(std::chrono::milliseconds(30), [&] {
    ++timer_calls;
    timer.reset();  // a callback may end its own subscription
    ASSERT_EQ(::send(far.get(), "x", 1, 0), 1);
  });
  watch = handler.process_loop->watch(near.get(), [&] {
    ++descriptor_calls;
    watch.reset();
  });
  settle(300);
  EXPECT_EQ(timer_calls, 1);
  EXPECT_EQ(descriptor_calls, 1);
}

TEST_F(WholeServerTest, SubscriptionsMayOutliveTheServer) {
  FunctionHandler& handler =
      root("loop", {Method::kGet}, [](const Request&, Reply reply) { reply.send(""); });
  start();
  int calls = 0;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const net::UniqueFd near(pair[0]);
  const net::UniqueFd far(pair[1]);
  std::unique_ptr<Loop::Subscription> timer =
      handler.process_loop->after(std::chrono::milliseconds(10), [&] { ++calls; });
  std::unique_ptr<Loop::Subscription> watch = handler.process_loop->watch(near.get(), [&] { ++calls; });
  server.reset();
  ASSERT_EQ(::send(far.get(), "x", 1, 0), 1);
  settle(100);
  EXPECT_EQ(calls, 0);
}

TEST_F(WholeServerTest, TwoServersShareALoop) {
  start();
  net::ListenSocket other_socket = net::ListenSocket::bind("127.0.0.1", 0);
  other_socket.listen();
  Router other_router;
  Statistics other_statistics;
  const auto other = std::make_unique<Server>(loop, settings, other_router, log, other_statistics);
  other->serve(other_socket);
  Client first(*this);
  first.send(kGet);
  EXPECT_THAT(first.receive(), HasSubstr("200 OK"));
  net::UniqueFd second(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(second.get(), &other_socket.address().get(), other_socket.address().size()), 0);
  ASSERT_GT(::send(second.get(), kGet.data(), kGet.size(), 0), 0);
  settle();
  char buffer[1024];
  const ssize_t size = ::recv(second.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_THAT(std::string(buffer, static_cast<std::size_t>(size)), HasSubstr("404 Not Found"));
}

}  // namespace
}  // namespace httpd::server
