// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/request_board.h"

#include <atomic>
#include <csignal>
#include <gmock/gmock.h>
#include <optional>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

namespace httpd::server {
namespace {

using State = RequestBoard::State;

/// A request without a connection.
class BoardTest : public ServerTest, protected Exchange::Owner {
 protected:
  void SetUp() override {
    root("r", {Method::kGet}, [](const Request&, Reply reply) { reply.send("x"); });
    root("keep", {Method::kGet}, [this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
    root("stream", {Method::kGet}, [](const Request&, Reply reply) {
      reply.stream(std::make_unique<ListSource>(
          std::vector<std::pair<std::ptrdiff_t, std::string>>{{BodySource::kWait, ""}, {1, "x"}}));
    });
    root("look", {Method::kGet}, [this](const Request&, Reply reply) { reply.send(shown()); });
    board.take_over();
  }
  void on_reply_finished(Exchange& /*exchange*/) noexcept override {}
  const net::Address& local_address() noexcept override { return client; }
  std::size_t open(std::string_view path, State state = State::kRunning, pid_t process = 1) {
    Exchange::Owner& owner = *this;
    Exchange exchange(settings.limits);
    exchange.begin(owner, client, nullptr);
    EXPECT_EQ(exchange.parser().parse_head("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
              http::RequestParser::State::kComplete);
    EXPECT_EQ(exchange.route(router), http::Refusal::kNone);
    const std::size_t slot = board.open(exchange, state, process, std::chrono::steady_clock::now());
    exchange.end();
    return slot;
  }
  std::string shown() const {
    std::string text;
    for (const RequestBoard::Entry& entry : board.entries())
      text += entry.request + ' ' + std::string(RequestBoard::name(entry.state)) + '\n';
    return text;
  }
  RequestBoard board;
  net::Address client = *net::Address::parse("192.0.2.1", 1234);
  std::optional<Reply> kept;
};

TEST_F(BoardTest, ShowsRequestsInTheOrderInWhichTheyCame) {
  EXPECT_EQ(shown(), "");
  const std::size_t first = open("/r/1", State::kQueued, 0);
  const std::size_t second = open("/r/2");
  open("/r/3");
  board.close(second);
  open("/r/4");
  EXPECT_EQ(shown(), "GET /r/1 HTTP/1.1 queued\nGET /r/3 HTTP/1.1 running\nGET /r/4 HTTP/1.1 running\n");
  board.change(first, State::kRunning, 77, std::chrono::steady_clock::now());
  const RequestBoard::Entry entry = board.entries()[0];
  EXPECT_EQ(entry.state, State::kRunning);
  EXPECT_EQ(entry.process, 77);
  EXPECT_EQ(entry.root, "r");
  EXPECT_EQ(entry.client, "192.0.2.1:1234");
  EXPECT_LT(entry.since, std::chrono::seconds(1));
}

TEST_F(BoardTest, TellsHowLongARequestHasBeenInItsState) {
  const std::size_t slot = open("/r");
  const auto now = std::chrono::steady_clock::now();
  board.change(slot, State::kKept, 1, now - std::chrono::milliseconds(5000));
  EXPECT_GE(board.entries()[0].since, std::chrono::milliseconds(5000));
  EXPECT_LT(board.entries()[0].since, std::chrono::milliseconds(6000));
  board.change(slot, State::kKept, 1, now + std::chrono::hours(1));
  EXPECT_EQ(board.entries()[0].since, std::chrono::milliseconds(0)) << "never before it began";
}

TEST_F(BoardTest, EveryStateHasAName) {
  std::set<std::string_view> names;
  for (const State state : {State::kFree, State::kQueued, State::kRunning, State::kKept, State::kStreaming,
                            State::kOverdue, static_cast<State>(99)})
    names.insert(RequestBoard::name(state));
  EXPECT_THAT(names,
              ::testing::UnorderedElementsAre("free", "queued", "running", "kept", "streaming", "overdue"));
}

TEST_F(BoardTest, WhatFindsNoPlaceIsNotShown) {
  std::vector<std::size_t> slots;
  for (std::size_t number = 0; number < RequestBoard::kSlots; ++number)
    slots.push_back(open("/r"));
  EXPECT_EQ(std::set(slots.begin(), slots.end()).size(), RequestBoard::kSlots);
  EXPECT_EQ(open("/r/late"), RequestBoard::kNone);
  board.change(RequestBoard::kNone, State::kKept, 1, {});
  board.close(RequestBoard::kNone);
  EXPECT_EQ(board.entries().size(), RequestBoard::kSlots);
  board.close(slots[100]);
  EXPECT_EQ(open("/r/now"), slots[100]);
  EXPECT_EQ(board.entries().back().request, "GET /r/now HTTP/1.1") << "the newest, wherever it stands";
}

TEST_F(BoardTest, NobodyWritesBeforeTakingOver) {
  RequestBoard fresh;
  EXPECT_TRUE(fresh.entries().empty());
  Exchange exchange(settings.limits);
  EXPECT_EQ(fresh.open(exchange, State::kRunning, 1, {}), RequestBoard::kNone);
}

TEST_F(BoardTest, LongTextIsCut) {
  const std::string path = "/r/" + std::string(500, 'x');
  open(path);
  EXPECT_EQ(board.entries()[0].request, ("GET " + path).substr(0, 128));
}

TEST_F(BoardTest, WhoTakesOverForgetsWhatWasShown) {
  open("/r/queued", State::kQueued, 0);
  open("/r/kept", State::kKept);
  open("/r/streaming", State::kStreaming);
  open("/r/own", State::kRunning, ::getpid());
  const pid_t gone = ::fork();
  if (gone == 0) std::_Exit(0);
  ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
  open("/r/gone", State::kRunning, gone);
  board.take_over();
  EXPECT_EQ(shown(), "");
  for (std::size_t number = 0; number < RequestBoard::kSlots; ++number)
    EXPECT_NE(open("/r"), RequestBoard::kNone);
  EXPECT_EQ(open("/r"), RequestBoard::kNone);
}

TEST_F(BoardTest, ButNotHandlersThatHaveNotReturned) {
  const pid_t other = ::fork();
  if (other == 0)
    for (;;)
      ::pause();
  open("/r/1", State::kRunning, 1);
  open("/r/other", State::kOverdue, other);
  board.take_over();
  EXPECT_EQ(shown(), "GET /r/1 HTTP/1.1 overdue\nGET /r/other HTTP/1.1 overdue\n");
  open("/r/new");
  board.forget_returned(1);
  EXPECT_EQ(shown(), "GET /r/other HTTP/1.1 overdue\nGET /r/new HTTP/1.1 running\n");
  ::kill(other, SIGKILL);
  ASSERT_EQ(::waitpid(other, nullptr, 0), other);
  board.forget_returned(12345678);
  EXPECT_EQ(shown(), "GET /r/new HTTP/1.1 running\n") << "who has died will not return";
}

TEST_F(BoardTest, AWriterThatDiedInTheMiddleHoldsNobodyUp) {
  for (int round = 0; round < 20; ++round) {
    board.take_over();
    const pid_t writer = ::fork();
    if (writer == 0) {
      board.take_over();
      Exchange::Owner& owner = *this;
      Exchange exchange(settings.limits);
      exchange.begin(owner, client, nullptr);
      const std::size_t slot = board.open(exchange, State::kRunning, ::getpid(), {});
      for (;;)
        board.change(slot, State::kKept, ::getpid(), {});
    }
    ::usleep(3000);
    for (int look = 0; look < 100; ++look)
      EXPECT_LE(board.entries().size(), 1U);
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    board.take_over();
    EXPECT_EQ(shown(), "");
    const std::size_t slot = open("/r");
    EXPECT_EQ(shown(), "GET /r HTTP/1.1 running\n");
    board.close(slot);
  }
}

TEST_F(BoardTest, AReaderInAnotherProcessSeesWholeEntries) {
  open("/r/first", State::kRunning, 1);
  const pid_t reader = ::fork();
  if (reader == 0) {
    int wrong = 0;
    for (int look = 0; look < 3000; ++look)
      for (const RequestBoard::Entry& entry : board.entries()) {
        const bool one =
            entry.request == "GET /r/" + std::string(60, 'a') + " HTTP/1.1" && entry.process == 1;
        const bool two =
            entry.request == "GET /r/" + std::string(60, 'b') + " HTTP/1.1" && entry.process == 2;
        wrong += one || two || entry.request == "GET /r/first HTTP/1.1" ? 0 : 1;
      }
    ::_exit(wrong == 0 ? 0 : 1);
  }
  int status = 0;
  const std::string a = "/r/" + std::string(60, 'a');
  const std::string b = "/r/" + std::string(60, 'b');
  while (::waitpid(reader, &status, WNOHANG) == 0) {
    board.close(open(a, State::kRunning, 1));
    board.close(open(b, State::kRunning, 2));
  }
  EXPECT_EQ(status, 0);
}

TEST_F(BoardTest, AServerShowsItsRequests) {
  server = std::make_unique<Server>(loop, settings, router, log, statistics);
  server->show_requests(board);
  server->serve(socket);
  Client look(*this);
  Client keep(*this);
  Client stream(*this);
  look.send("GET /look HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(look.receive(0), ::testing::HasSubstr("GET /look HTTP/1.1 running\n"));
  EXPECT_EQ(shown(), "");
  keep.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  settle(0);
  stream.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  settle(0);
  EXPECT_EQ(shown(), "GET /keep HTTP/1.1 kept\nGET /stream HTTP/1.1 streaming\n");
  EXPECT_EQ(board.entries()[0].process, ::getpid());
  kept->send("x");
  settle(0);
  EXPECT_EQ(shown(), "GET /stream HTTP/1.1 streaming\n");
  server.reset();
  EXPECT_EQ(shown(), "") << "a connection that ends takes its request along";
}

}  // namespace
}  // namespace httpd::server
