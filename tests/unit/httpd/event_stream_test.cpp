// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <httpd/event_stream.h>

#include "../server/fixture.h"

namespace httpd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

class EventStreamTest : public server::ServerTest {
 protected:
  void SetUp() override {
    server::FunctionHandler& handler =
        root("events", {Method::kGet}, [this](const Request& request, Reply reply) {
          seen_id = last_event_id(request);
          stream = EventStream(std::move(reply), *loop_of_handlers, stream_settings);
          stream.on_client_gone([this] { ++gone; });
        });
    start();
    loop_of_handlers = handler.process_loop;
  }
  void TearDown() override {
    stream.close();
    server.reset();
  }
  /// What a client gets as the body, without the chunks' framing.
  std::string body(Client& client, int quiet_ms = 20) {
    std::string got = pending_ + client.receive(quiet_ms);
    if (const std::size_t end = got.find("\r\n\r\n"); got.starts_with("HTTP/")) {
      head = got.substr(0, end);
      got.erase(0, end + 4);
    }
    std::string text;
    while (!got.empty()) {
      const std::size_t line = got.find("\r\n");
      const std::size_t size = std::stoul(got.substr(0, line), nullptr, 16);
      text += got.substr(line + 2, size);
      got.erase(0, line + 2 + size + 2);
      complete = size == 0;
    }
    return text;
  }
  static std::string request(std::string_view fields = "") {
    return "GET /events HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
  }

  Loop* loop_of_handlers = nullptr;
  EventStreamSettings stream_settings;
  EventStream stream;
  std::string seen_id;
  std::string head;
  bool complete = false;
  int gone = 0;

 private:
  std::string pending_;
};

TEST_F(EventStreamTest, SendsItsHeadAtOnce) {
  Client client(*this);
  client.send(request("Last-Event-ID: 41\r\n"));
  EXPECT_EQ(body(client), "");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  EXPECT_THAT(head, HasSubstr("\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nCache-Control: no-store"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Accel-Buffering: no"));
  EXPECT_EQ(seen_id, "41");
  EXPECT_TRUE(stream.open());
}

TEST_F(EventStreamTest, WritesEventsAsTheStandardHasThem) {
  Client client(*this);
  client.send(request());
  body(client);
  EXPECT_EQ(seen_id, "");
  const std::vector<std::pair<Event, std::string>> events = {
      {{}, "data: \n\n"},
      {{.data = " two  blanks "}, "data:  two  blanks \n\n"},
      {{.event = "tick", .data = "x", .id = "7", .retry = 250ms},
       "id: 7\nevent: tick\nretry: 250\ndata: x\n\n"},
      {{.data = "a\nb\r\nc\rd"}, "data: a\ndata: b\ndata: c\ndata: d\n\n"},
      {{.data = "a\n"}, "data: a\ndata: \n\n"},
      {{.data = "\r\r\n\n"}, "data: \ndata: \ndata: \ndata: \n\n"},
      {{.data = "x", .id = ""}, "id: \ndata: x\n\n"},
      {{.data = ":no comment"}, "data: :no comment\n\n"},
  };
  for (const auto& [event, text] : events) {
    EXPECT_TRUE(stream.send(event));
    EXPECT_EQ(body(client, 0), text);
  }
  for (const Event& bad : {Event{.event = "a\nid: 1"}, Event{.event = "a\r"}, Event{.id = "a\r"},
                           Event{.id = "a\nb"}, Event{.id = "a\0b"sv}})
    EXPECT_THROW(stream.send(bad), std::invalid_argument);
  EXPECT_EQ(body(client), "");
}

TEST_F(EventStreamTest, EndsInOrder) {
  Client client(*this);
  client.send(request());
  body(client);
  stream.send({.data = "last"});
  stream.close();
  EXPECT_FALSE(stream.open());
  EXPECT_FALSE(stream.send({.data = "too late"}));
  EXPECT_EQ(body(client), "data: last\n\n");
  EXPECT_TRUE(complete);
  settle(100);
  EXPECT_EQ(gone, 0);
  client.send(request());
  body(client);
  EXPECT_TRUE(stream.open()) << "the connection and the object serve again";
  stream = EventStream();
  body(client);
  EXPECT_TRUE(complete) << "destruction ends it, too";
}

TEST_F(EventStreamTest, MovesWithItsNotice) {
  Client client(*this);
  client.send(request());
  body(client);
  EventStream moved = std::move(stream);
  EventStream& self = moved;
  moved = std::move(self);
  EXPECT_FALSE(stream.send({.data = "x"}));  // NOLINT(bugprone-use-after-move): it says that it is empty
  EXPECT_TRUE(moved.send({.data = "y"}));
  EXPECT_EQ(body(client), "data: y\n\n");
  const linger hard{1, 0};
  ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  client.close();
  settle(0);
  EXPECT_FALSE(moved.open());
  EXPECT_FALSE(moved.overflowed());
  stream = std::move(moved);
  settle(100);
  EXPECT_EQ(gone, 1);
}

TEST_F(EventStreamTest, ALateNoticeComesAllTheSame) {
  Client client(*this);
  client.send("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(0), EndsWith("\r\n\r\n"));
  EXPECT_FALSE(stream.open()) << "HEAD has no stream";
  stream.on_client_gone([this] { gone += 10; });
  EXPECT_EQ(gone, 0);
  settle(100);
  EXPECT_EQ(gone, 10);
  stream.on_client_gone([this] {
    gone += 100;
    stream = EventStream();
  });
  settle(100);
  EXPECT_EQ(gone, 110);
  stream.on_client_gone([this] { ++gone; });
  settle(100);
  EXPECT_EQ(gone, 110) << "there was no stream";
}

TEST_F(EventStreamTest, BeatsWhenItIsSilent) {
  stream_settings.heartbeat = 100ms;
  Client client(*this);
  client.send(request());
  body(client, 0);
  EXPECT_EQ(body(client, 80), "");
  std::string beats;
  for (int i = 0; i < 100 && beats.empty(); ++i)
    beats = body(client, 10);
  EXPECT_EQ(beats, ":\n\n");
  const auto begin = std::chrono::steady_clock::now();
  std::string all;
  while (std::chrono::steady_clock::now() < begin + 400ms) {
    stream.send({.data = "x"});
    all += body(client, 10);
  }
  EXPECT_EQ(all.find(':' + std::string("\n\n")), std::string::npos) << "not among events";
  client.close();
  for (int i = 0; i < 100 && gone == 0; ++i)
    settle(10);
  EXPECT_EQ(gone, 1) << "that is what it is for";
}

TEST_F(EventStreamTest, NoHeartbeatWhereNoneIsWanted) {
  stream_settings.heartbeat = 0ms;
  Client client(*this);
  client.send(request());
  EXPECT_EQ(body(client, 200), "");
}

TEST_F(EventStreamTest, AClientThatDoesNotReadIsCutOff) {
  stream_settings.buffer = 10'000;
  Client client(*this);
  client.send(request());
  body(client);
  EXPECT_TRUE(stream.send({.data = std::string(20'000, 'x')})) << "one fits always";
  const std::string large(9'000, 'x');
  int sent = 0;
  while (stream.send({.data = large}) && sent < 10'000) {
    ++sent;
    settle(0);
  }
  EXPECT_LT(sent, 10'000);
  EXPECT_TRUE(stream.overflowed());
  EXPECT_FALSE(stream.open());
  settle(100);
  EXPECT_EQ(gone, 1);
  EXPECT_THAT(client.receive(), ::testing::Not(EndsWith("\r\n0\r\n\r\n")));
  EXPECT_TRUE(client.reset) << "so that it sees that something is missing";
}

TEST_F(EventStreamTest, ABurstFitsWhatTheBufferHolds) {
  stream_settings.buffer = 100;
  Client client(*this);
  client.send(request());
  body(client);
  const std::string data(100 / 2 - std::string_view("data: \n\n").size(), 'x');
  EXPECT_TRUE(stream.send({.data = data}));
  EXPECT_TRUE(stream.send({.data = data}));
  EXPECT_FALSE(stream.send({})) << "not a byte more, before the loop has run";
  EXPECT_TRUE(stream.overflowed());
}

TEST_F(EventStreamTest, MayOutliveTheServer) {
  Client client(*this);
  client.send(request());
  body(client);
  server.reset();
  EXPECT_FALSE(stream.open());
  EXPECT_FALSE(stream.send({.data = "x"}));
}

}  // namespace
}  // namespace httpd
