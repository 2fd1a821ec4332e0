// Streams that wait, kept replies that take too long, and clients that are gone meanwhile.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "http/reply_head.h"
#include "tls_connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kKeep = "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kFeed = "GET /feed HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A source that gives what the test puts into it, and counts how often it is asked.
struct Feed final : BodySource {
  explicit Feed(Feed*& place) : place_(place) { place_ = this; }
  ~Feed() override {
    wake();  // nobody is there any more; harmless
    place_ = nullptr;
  }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  std::ptrdiff_t read(std::uint64_t /*position*/, char* buffer, std::size_t size) override {
    ++asked;
    if (wakes_itself) {
      wakes_itself = false;
      wake();
    }
    if (given == text.size()) return otherwise;
    const std::size_t count = text.copy(buffer, size, given);
    given += count;
    return static_cast<std::ptrdiff_t>(count);
  }
  void give(std::string_view more) {
    text += more;
    wake();
  }
  std::string text;
  std::size_t given = 0;  // of it
  std::ptrdiff_t otherwise = kWait;
  bool wakes_itself = false;
  int asked = 0;

 private:
  Feed*& place_;
};

class WaitingTest : public TlsConnectionTest {
 protected:
  void SetUp() override {
    TlsConnectionTest::SetUp();
    root("feed", {Method::kGet}, [this](const Request&, Reply reply) {
      auto made = std::make_unique<Feed>(feed);
      made->wakes_itself = wakes_itself;
      made->wake();  // before the stream begins
      reply.stream(std::move(made));
    });
    root("told", {Method::kGet}, [this](const Request& request, Reply reply) {
      asked = &request;
      kept.emplace(std::move(reply));
      kept->on_client_gone([this] {
        ++gone;
        EXPECT_TRUE(kept->client_gone());
        kept.reset();
      });
      EXPECT_EQ(gone, 0);
    });
  }
  Feed* feed = nullptr;
  const Request* asked = nullptr;
  bool wakes_itself = false;
  int gone = 0;
};

TEST_F(WaitingTest, AStreamIsAskedOnlyWhenItIsWoken) {
  start();
  Client client(*this);
  client.send(kFeed);
  EXPECT_EQ(without_date(client.receive(100)), kStreamHead);
  ASSERT_NE(feed, nullptr);
  EXPECT_EQ(feed->asked, 1);
  client.send(kGet);  // stays in the socket, and is no reason to ask
  EXPECT_EQ(client.receive(), "");
  EXPECT_EQ(feed->asked, 1);

  feed->wake();
  feed->give("one");
  feed->give("two");
  EXPECT_EQ(feed->asked, 1) << "not from inside the call";
  EXPECT_EQ(client.receive(0), "6\r\nonetwo\r\n");
  EXPECT_EQ(feed->asked, 3);
  feed->otherwise = BodySource::kEnd;
  feed->wake();
  EXPECT_EQ(without_date(client.receive(0)), "0\r\n\r\n" + std::string(kHelloReply));
  EXPECT_EQ(feed, nullptr);
}

TEST_F(WaitingTest, AWakeInsideReadIsNotLost) {
  wakes_itself = true;
  start();
  Client client(*this);
  client.send(kFeed);
  client.receive(0);
  ASSERT_NE(feed, nullptr);
  EXPECT_EQ(feed->asked, 2);
}

TEST_F(WaitingTest, AWakeEndsAPauseThatIsPolled) {
  start();
  Client client(*this);
  client.send(kFeed);
  client.receive();
  ASSERT_NE(feed, nullptr);
  feed->otherwise = BodySource::kLater;
  feed->wake();
  while (feed->asked < 5)
    settle(0);
  feed->otherwise = BodySource::kWait;
  feed->give("now");
  EXPECT_EQ(client.receive(0), "3\r\nnow\r\n");
  const int asked_before = feed->asked;
  settle(100);
  EXPECT_EQ(feed->asked, asked_before) << "and waits again";
}

TEST_F(WaitingTest, ANumberThatMeansNothingBreaksTheStream) {
  start();
  Client client(*this);
  client.send(kFeed);
  client.receive(0);
  ASSERT_NE(feed, nullptr);
  feed->otherwise = BodySource::kWait - 1;
  feed->wake();
  EXPECT_EQ(client.receive(0), "");
  EXPECT_TRUE(client.reset);
}

TEST_F(WaitingTest, AStreamThatWaitsEndsWithItsClient) {
  start();
  Client client(*this);
  client.send(kFeed);
  client.receive(0);
  ASSERT_NE(feed, nullptr);
  send_and_reset(client, "");
  settle(0);
  EXPECT_EQ(feed, nullptr);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(WaitingTest, NothingIsPutIntoAStreamThatHasBegun) {
  start();
  Client client(*this);
  client.send(kFeed);
  client.finish();
  EXPECT_EQ(without_date(client.receive(150)), kStreamHead);
  feed->give("x");
  EXPECT_EQ(client.receive(0), "1\r\nx\r\n") << "a half-closed client still gets it";
  client.close();
  feed->give("y");
  settle();
  EXPECT_EQ(feed, nullptr) << "what is sent finds out that nobody is there";
}

TEST_F(WaitingTest, AStreamThatWaitsEndsWithTheServer) {
  start();
  Client client(*this);
  client.send(kFeed);
  client.receive(0);
  server.reset();
  EXPECT_EQ(feed, nullptr);
}

TEST_F(WaitingTest, AStreamIsPulledNoFurtherThanOneWindow) {
  start();
  Client client(*this);
  client.send(kFeed);
  client.receive(0);
  ASSERT_NE(feed, nullptr);
  constexpr std::size_t kAll = 16 << 20;
  feed->give(std::string(kAll, 'x'));
  settle();
  const std::size_t pulled = feed->given;
  const int asked_before = feed->asked;
  for (int i = 0; i < 10; ++i)
    feed->wake();
  settle(100);
  EXPECT_EQ(feed->asked, asked_before);
  std::size_t in_sockets = 0;
  std::vector<char> buffer(1 << 20);
  for (ssize_t count = 0; (count = ::recv(client.descriptor(), buffer.data(), buffer.size(), 0)) > 0;) {
    in_sockets += static_cast<std::size_t>(count);
    pollfd more{client.descriptor(), POLLIN, 0};
    if (::poll(&more, 1, 50) == 0) break;
  }
  EXPECT_LT(pulled, kAll);
  EXPECT_LE(pulled, in_sockets + 32 * 1024);
  feed->otherwise = BodySource::kEnd;
  const std::string rest = client.receive();
  EXPECT_THAT(rest.substr(rest.size() - 5), "0\r\n\r\n");
}

TEST_F(WaitingTest, AHandlerIsToldThatItsClientIsGone) {
  start();
  Client client(*this);
  client.send("GET /told/x HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(kGet));
  settle();
  ASSERT_TRUE(kept);
  kept->on_client_gone(nullptr);
  kept->on_client_gone([this] {
    ++gone;
    EXPECT_TRUE(kept->client_gone());
    EXPECT_EQ(asked->path(), "/x");
    Reply moved = std::move(*kept);
    kept = std::move(moved);
    kept->on_client_gone([this] {
      gone += 10;
      kept.reset();
      throw std::runtime_error("oh no");
    });
    EXPECT_EQ(gone, 1) << "in the next turn, not at once";
  });
  Reply moved = std::move(*kept);
  kept.emplace(std::move(moved));
  send_and_reset(client, "");
  settle();
  EXPECT_EQ(gone, 11);
  EXPECT_FALSE(kept);
  EXPECT_TRUE(log.contains("oh no"));
  Client other(*this);
  other.send(kGet);
  EXPECT_EQ(without_date(other.receive()), kHelloReply);
}

TEST_F(WaitingTest, AClientThatLeftWithItsRequestIsToldOfLater) {
  start();
  Client client(*this);
  send_and_reset(client, "GET /told HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(WaitingTest, NobodyIsToldOnceTheReplyIsSent) {
  const auto token = std::make_shared<int>(0);
  start();
  Client client(*this);
  client.send(kKeep);
  settle();
  ASSERT_TRUE(kept);
  kept->on_client_gone([this, token] { ++gone; });
  kept->send("x");
  EXPECT_EQ(token.use_count(), 1) << "the callback is dropped";
  kept->on_client_gone([this] { ++gone; });
  send_and_reset(client, "");
  settle();
  EXPECT_EQ(gone, 0);
}

TEST_F(WaitingTest, ACallbackMayHoldTheReplyThatItIsFor) {
  start();
  Client client(*this);
  client.send(kKeep);
  settle();
  ASSERT_TRUE(kept);
  auto owner = std::make_shared<Reply>(std::move(*kept));
  owner->on_client_gone([owner] {});
  owner.reset();
  server.reset();
  EXPECT_EQ(gone, 0);
}

TEST_F(WaitingTest, AClientThatClosedIsFoundOut) {
  start();
  for (const std::string_view behind : {std::string_view(), kGet}) {
    gone = 0;
    Client client(*this);
    client.send("GET /told HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(behind));
    settle(0);
    client.close();
    settle(150);
    EXPECT_EQ(gone, 1);
    EXPECT_EQ(server->connections(), 0U);
  }
}

TEST_F(WaitingTest, AHalfClosedClientGetsItsReplyBehindAnInterimOne) {
  start();
  Client client(*this);
  client.send(kKeep);
  client.finish();
  EXPECT_EQ(client.receive(300), http::kContinue) << "once";
  ASSERT_TRUE(kept);
  kept->send("late");
  EXPECT_THAT(client.receive(), EndsWith("\r\n\r\nlate"));
  EXPECT_TRUE(client.ended);
}

TEST_F(WaitingTest, AQuickReplyComesAlone) {
  start();
  Client client(*this);
  client.send(kKeep);
  client.finish();
  settle(0);
  ASSERT_TRUE(kept);
  kept->send("soon");
  EXPECT_THAT(client.receive(150), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(WaitingTest, AnHttp10ClientGetsNoInterimReply) {
  start();
  Client client(*this);
  client.send("GET /keep HTTP/1.0\r\n\r\n");
  client.finish();
  EXPECT_EQ(client.receive(150), "");
  ASSERT_TRUE(kept);
  kept->send("late");
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(WaitingTest, OverTlsItIsTheSame) {
  start_tls();
  std::unique_ptr<TlsClient> half_closed = open();
  half_closed->send(get("/keep"));
  settle(0);
  half_closed->close_notify();
  half_closed->deliver();
  half_closed->finish();
  settle(150);
  EXPECT_EQ(receive(*half_closed), http::kContinue);
  ASSERT_TRUE(kept);
  kept->send("late");
  EXPECT_THAT(receive(*half_closed), EndsWith("\r\n\r\nlate"));
  kept.reset();

  std::unique_ptr<TlsClient> closed = open();
  closed->send(get("/told"));
  settle(0);
  closed->close_notify();
  closed->deliver();
  closed.reset();
  settle(150);
  EXPECT_EQ(gone, 1);
}

TEST_F(WaitingTest, AHandlerThatTakesTooLongIsAnsweredFor) {
  settings.handler_timeout = 1s;
  start();
  Client client(*this);
  client.send("GET /told/x HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n");
  settle(500);
  ASSERT_TRUE(kept);
  kept->on_client_gone([this] {
    ++gone;
    EXPECT_TRUE(kept->client_gone());
  });
  EXPECT_EQ(gone, 0);
  const std::string got = client.receive(1000);
  EXPECT_THAT(got, StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("Connection: close")));
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(asked->path(), "/x");
  EXPECT_EQ(asked->field("x-y"), "z");
  EXPECT_EQ(asked->server().sa_family, AF_INET);
  EXPECT_EQ(statistics.value(Statistics::kHandlerTimeouts), 1U);
  EXPECT_EQ(statistics.value(Statistics::kTimeouts), 0U);
  EXPECT_TRUE(log.contains(R"(504 The answer took too long; request "GET /told/x HTTP/1.1" to root told; )"
                           "parameter handler_timeout of module httpd moves this limit"));
  client.send(kGet);
  EXPECT_EQ(without_date(client.receive()), kHelloReply);
  kept->status(201).send("nobody reads this");
  client.send(kGet);
  EXPECT_EQ(without_date(client.receive()), kHelloReply);
}

TEST_F(WaitingTest, TheLimitIsOfEachRequestAndHasTheFormOfItsMethod) {
  settings.handler_timeout = 1s;
  start();
  Client client(*this);
  client.send(
      "HEAD /keep HTTP/1.1\r\nHost: a\r\n\r\nGET /keep HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string got = client.receive(1200);
  EXPECT_THAT(got, StartsWith("HTTP/1.1 504 "));
  EXPECT_THAT(got, HasSubstr("Content-Length: 25\r\n\r\nHTTP/1.1 504 "));
  EXPECT_THAT(got, EndsWith("\r\n\r\nThe answer took too long\n"));
  EXPECT_TRUE(client.ended);
}

TEST_F(WaitingTest, ZeroIsNoLimitAndStreamsHaveNone) {
  settings.handler_timeout = 0s;
  start();
  Client patient(*this);
  patient.send(kKeep);
  EXPECT_EQ(patient.receive(1200), "");
  server.reset();
  kept.reset();

  settings.handler_timeout = 1s;
  server = std::make_unique<Server>(loop, settings, router, log, statistics);
  server->serve(socket);
  Client client(*this);
  client.send(kFeed);
  EXPECT_EQ(without_date(client.receive(1200)), kStreamHead);
  EXPECT_NE(feed, nullptr);
}

}  // namespace
}  // namespace httpd::server
