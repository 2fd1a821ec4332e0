// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::StartsWith;

TEST_F(ConnectionTest, AnswersEveryMessageInFragments) {
  start();
  const std::vector<std::string> messages{std::string(kGet),
                                          post("/echo", "a body"),
                                          "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                          "chunked\r\n\r\n3\r\na b\r\n3;x\r\nody\r\n0\r\nT: x\r\n\r\n",
                                          "\r\nHEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n",
                                          "DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n",
                                          "GET /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
                                          "BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n",
                                          "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                                          "GET http://b/hello HTTP/1.1\r\nHost: a\r\n\r\n"};
  for (const std::string& message : messages) {
    Client whole(*this);
    whole.send(message);
    const std::string expected = without_date(whole.receive(0));
    EXPECT_THAT(expected, StartsWith("HTTP/1.1 ")) << message;
    EXPECT_FALSE(whole.ended) << "kept: " << message;
    for (const std::size_t step : {1U, 2U, 3U, 7U}) {
      Client pieces_client(*this);
      pieces_client.trickle(message, step);
      EXPECT_EQ(without_date(pieces_client.receive(0)), expected) << message << step;
      // And the connection is good for another one.
      pieces_client.send(kGet);
      EXPECT_EQ(without_date(pieces_client.receive(0)), kHelloReply) << message << step;
    }
  }
}

TEST_F(ConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  std::string all;
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string body = "body " + std::to_string(i);
    all += post("/echo", body);
    expected += "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  Client client(*this);
  client.send(all);
  EXPECT_EQ(without_date(client.receive()), expected);
  EXPECT_EQ(statistics.value(Statistics::kRequests), 500U);
}

TEST_F(ConnectionTest, WhoSendsALotLetsOthersGoFirst) {
  constexpr std::size_t kBody = 1'000'000;
  constexpr std::uint64_t kShare = 64 * 1024;
  settings.limits.receive_buf_size = kBody;
  start();
  Client greedy(*this);
  Client modest(*this);
  const int room = 4 << 20;
  ASSERT_EQ(::setsockopt(greedy.descriptor(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
  // As much as the kernel takes while the server is busy elsewhere; both are then ready in the same turn.
  const std::string message = post("/echo", std::string(kBody, 'x'));
  const ssize_t sent = ::send(greedy.descriptor(), message.data(), message.size(), MSG_DONTWAIT);
  ASSERT_GT(sent, static_cast<ssize_t>(5 * kShare));
  modest.send(kGet);
  loop.run_once();
  // Less than two shares for its event, and as much at the end of the turn.
  EXPECT_LT(statistics.value(Statistics::kBytesReceived), 4 * kShare + kGet.size());
  EXPECT_EQ(statistics.value(Statistics::kReplies2xx), 1U) << "the modest one has its reply";
  EXPECT_EQ(without_date(modest.receive(0)), kHelloReply);
  // Alone it needs no second turn for what is there.
  EXPECT_GE(statistics.value(Statistics::kBytesReceived), static_cast<std::uint64_t>(sent));
  greedy.send(message.substr(static_cast<std::size_t>(sent)));
  EXPECT_THAT(greedy.receive(), ::testing::EndsWith("xxxx"));
}

TEST_F(ConnectionTest, ALargePipelineOfSmallRequestsNeedsNoOtherEvent) {
  settings.max_pipelined_requests = 5000;
  start();
  std::string all;
  for (int i = 0; i < 5000; ++i)
    all += kGet;
  Client client(*this);
  std::size_t sent = 0;
  std::string got;
  while (sent < all.size()) {
    const ssize_t count = ::send(client.descriptor(), all.data() + sent, all.size() - sent, MSG_DONTWAIT);
    if (count > 0) sent += static_cast<std::size_t>(count);
    got += client.receive(0);
  }
  got += client.receive();
  std::size_t replies = 0;
  for (std::size_t at = 0; (at = got.find("HTTP/1.1 200", at)) != std::string::npos; ++at)
    ++replies;
  EXPECT_EQ(replies, 5000U);
}

TEST_F(ConnectionTest, SendsContinueOnlyWhenTheBodyIsStillToCome) {
  start();
  Client waits(*this);
  waits.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(waits.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  waits.send("ok");
  EXPECT_THAT(waits.receive(), StartsWith("HTTP/1.1 200 "));
  Client sends(*this);
  sends.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
  EXPECT_THAT(sends.receive(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ConnectionTest, ABodyOverTheLimitIsRefusedBeforeItIsSent) {
  settings.limits.receive_buf_size = 10;
  start();
  Client client(*this);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(client.ended);
  EXPECT_TRUE(log.contains("receive_buf_size"));
  EXPECT_TRUE(log.contains("POST /echo HTTP/1.1"));
  Client chunked(*this);
  chunked.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n");
  EXPECT_THAT(chunked.receive(), StartsWith("HTTP/1.1 413 "));
  Client fits(*this);
  fits.send(post("/echo", "0123456789"));
  EXPECT_THAT(fits.receive(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ConnectionTest, TheReplyToARefusedUploadIsNotLostInAReset) {
  settings.limits.receive_buf_size = 10;
  start();
  Client client(*this);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(200'000, 'x'));
  settle();
  client.send(std::string(100'000, 'x'));
  settle();
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 413 "));
  EXPECT_FALSE(client.reset);
  client.finish();
  client.receive();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ConnectionTest, HalfClosedClientsGetTheirAnswers) {
  start();
  Client client(*this);
  client.send(std::string(kGet) + std::string(kGet));
  client.finish();
  EXPECT_EQ(without_date(client.receive()), std::string(kHelloReply) + std::string(kHelloReply));
  EXPECT_TRUE(client.ended);
}

TEST_F(ConnectionTest, ATruncatedMessageIsNeverTakenForAWholeOne) {
  start();
  const std::string message = post("/echo", "body");
  for (std::size_t cut = 1; cut < message.size(); ++cut) {
    Client client(*this);
    client.send(message.substr(0, cut));
    client.finish();
    EXPECT_THAT(client.receive(0), StartsWith("HTTP/1.1 400 ")) << cut;
    EXPECT_TRUE(client.ended) << cut;
  }
}

}  // namespace
}  // namespace httpd::server
