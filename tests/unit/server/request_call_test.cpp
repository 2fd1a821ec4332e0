// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/request_call.h"

#include <gmock/gmock.h>
#include <optional>

#include "fixture.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Answers in the place of handlers as the test wants.
struct FakeDispatcher final : Dispatcher {
  void dispatch(Exchange& request, Reply reply) override { function(request, std::move(reply)); }
  std::function<void(Exchange&, Reply)> function;
};

class RequestCallTest : public ServerTest {
 protected:
  void SetUp() override {
    settings.limits.receive_buf_size = 1 << 20;
    root("r", {Method::kGet, Method::kPost},
         [](const Request&, Reply reply) { reply.send("of the handler"); });
    server = std::make_unique<Server>(loop, settings, router, log, statistics);
    server->use_dispatcher(dispatcher);
    server->serve(socket);
  }
  std::string ask(std::string_view request = "GET /r HTTP/1.1\r\nHost: a\r\n\r\n") {
    Client client(*this);
    client.send(request);
    return client.receive(0);
  }
  FakeDispatcher dispatcher;
  std::optional<Reply> kept;
};

TEST_F(RequestCallTest, TheDispatcherTakesTheHandlersPlace) {
  dispatcher.function = [this](Exchange& request, Reply reply) {
    EXPECT_EQ(request.routed_to(), router.find("/r"));
    EXPECT_EQ(request.path(), "/x");
    reply.send("of the dispatcher");
  };
  EXPECT_THAT(ask("GET /r/x HTTP/1.1\r\nHost: a\r\n\r\n"), HasSubstr("\r\n\r\nof the dispatcher"));
}

TEST_F(RequestCallTest, WhatNeedsNoHandlerIsNotDispatched) {
  dispatcher.function = [](Exchange&, Reply) { FAIL(); };
  EXPECT_THAT(ask("OPTIONS /r HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(ask("GET /none HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("PUT /r HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(RequestCallTest, WhatADispatcherThrowsIsA500) {
  dispatcher.function = [](Exchange&, Reply) { throw std::runtime_error("oh \x01 no"); };
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 500 "));
  EXPECT_TRUE(log.contains("handler of root r failed: oh \\x01 no; answered with 500"));
  dispatcher.function = [](Exchange&, Reply) { throw 1; };
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 500 "));
}

TEST_F(RequestCallTest, AReplyThatIsDroppedIsSaidOnce) {
  dispatcher.function = [](Exchange&, Reply) {};
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 500 "));
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_EQ(log.lines[0], "handler of root r let a request go without answering it; answered with 500");
}

TEST_F(RequestCallTest, ADispatcherHasItsOwnTimeLimit) {
  settings.handler_timeout = std::chrono::seconds(1);
  dispatcher.function = [this](Exchange&, Reply reply) { kept.emplace(std::move(reply)); };
  Client client(*this);
  client.send(kGet.substr(0, 4));
  client.send("/r HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive(1200), "");
  ASSERT_TRUE(kept);
  kept->send("late");
  EXPECT_THAT(client.receive(0), HasSubstr("\r\n\r\nlate"));
  EXPECT_EQ(statistics.value(Statistics::kHandlerTimeouts), 0U);
}

TEST_F(RequestCallTest, AReplyHeadFromElsewhereIsTakenAsItIs) {
  dispatcher.function = [](Exchange& request, Reply reply) {
    request.take_reply_head(404, "a/b", "X-A: 1\r\nX-B: 2\r\n");
    reply.send("x");
  };
  EXPECT_EQ(without_date(ask()),
            "HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 1\r\n\r\nx");
  dispatcher.function = [](Exchange& request, Reply reply) {
    request.take_reply_head(200, "", "");
    reply.send("x");
  };
  EXPECT_EQ(without_date(ask()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\nx");
}

/// An owner for an exchange that has no connection.
struct Nobody final : Exchange::Owner {
  void on_reply_finished(Exchange& /*exchange*/) noexcept override {}
  const net::Address& local_address() noexcept override { return address; }
  net::Address address;
};

TEST_F(RequestCallTest, ALentBodyIsReadLikeOneThatWasReceived) {
  Nobody nobody;
  Exchange exchange(settings.limits);
  exchange.begin(nobody, {}, nullptr);
  ASSERT_EQ(exchange.parser().parse_head("POST /r?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n"
                                         "Content-Type: application/x-www-form-urlencoded\r\n\r\n"),
            http::RequestParser::State::kComplete);
  const std::string lent = "k=%41&l";
  exchange.lend_body(lent);
  ASSERT_EQ(exchange.route(router), http::Refusal::kNone);
  ASSERT_EQ(exchange.read_arguments(), http::Refusal::kNone);
  EXPECT_EQ(exchange.body().data(), lent.data());
  EXPECT_EQ(exchange.argument("k"), "A");
  EXPECT_EQ(exchange.argument("q"), "1");
  answer_by_handler(exchange, nullptr, log);
  EXPECT_TRUE(exchange.finished());
  exchange.end();
  EXPECT_EQ(exchange.body(), "") << "what was lent is not looked at any more";
}

}  // namespace
}  // namespace httpd::server
