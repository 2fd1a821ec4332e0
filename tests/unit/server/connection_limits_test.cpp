// Tests of what a connection does at its limits: in one piece, in single bytes, and one more than is allowed.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <thread>
#include <vector>

#include "connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class ConnectionLimitsTest : public ConnectionTest {
 protected:
  static std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; at += what.size())
      ++found;
    return found;
  }
  static std::string times(std::size_t number, std::string_view message = kGet) {
    std::string all;
    for (std::size_t i = 0; i < number; ++i)
      all += message;
    return all;
  }
  /// Serves until `patience` is over or `client` has been answered or left.
  std::string wait(Client& client, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::string got;
    while (std::chrono::steady_clock::now() < end && got.empty() && !client.ended && !client.reset)
      got += client.receive(50);
    return got;
  }
};

TEST_F(ConnectionLimitsTest, WhoIsTooManyIsToldSo) {
  settings.max_connections = 2;
  settings.max_client_connections = 2;
  start();
  Client first(*this);
  Client second(*this);
  Client reserved(*this);
  Client refused(*this);
  EXPECT_THAT(refused.receive(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(refused.ended);
  EXPECT_TRUE(
      log.contains("503 The server has too many connections; parameter max_connections of module httpd"));
  for (Client* client : {&first, &second}) {
    client->send(kGet);
    EXPECT_EQ(without_date(client->receive()), kHelloReply);
  }
  reserved.send(times(2));
  const std::string got = reserved.receive();
  EXPECT_EQ(count(got, "HTTP/1.1 200 "), 1U) << "the reserved place is for one request";
  EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(statistics.value(Statistics::kConnectionRefusals), 1U);
  first.close();
  refused.close();
  settle();
  Client again(*this);
  again.send(kGet);
  EXPECT_EQ(without_date(again.receive()), kHelloReply);
}

TEST_F(ConnectionLimitsTest, AReservedPlaceIsSoonFreeAgain) {
  settings.max_client_connections = 1;
  start();
  Client first(*this);
  Client silent(*this);
  EXPECT_EQ(wait(silent, 4s), "");
  EXPECT_TRUE(silent.ended);
  Client trickling(*this);
  trickling.send("GET /hello");
  EXPECT_THAT(wait(trickling, 4s), StartsWith("HTTP/1.1 408 "));
  first.send(kGet);
  EXPECT_EQ(without_date(first.receive()), kHelloReply);
}

TEST_F(ConnectionLimitsTest, WhoIsTurnedAwayReadsTheReplyThoughItSends) {
  settings.max_client_connections = 1;
  start();
  Client first(*this);
  Client reserved(*this);
  Client refused(*this);
  refused.send(post("/echo", std::string(100'000, 'x')));
  EXPECT_THAT(refused.receive(), HasSubstr("Too many connections come from this address\n"));
  EXPECT_FALSE(refused.reset);
  EXPECT_TRUE(refused.ended);
}

TEST_F(ConnectionLimitsTest, ThoseBeyondAllPlacesAreClosed) {
  settings.max_client_connections = 1;
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < Admission::kTurnedAwayPlaces + 2; ++i)
    clients.push_back(std::make_unique<Client>(*this));
  Client beyond(*this);
  EXPECT_THAT(beyond.receive(), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(beyond.ended);
  EXPECT_EQ(server->connections(), Admission::kTurnedAwayPlaces + 2);
  EXPECT_EQ(statistics.value(Statistics::kConnectionRefusals), Admission::kTurnedAwayPlaces + 1);
}

TEST_F(ConnectionLimitsTest, AConnectionServesSoManyRequests) {
  settings.max_connection_requests = 3;
  start();
  for (const bool trickled : {false, true}) {
    log.lines.clear();
    Client client(*this);
    if (trickled) {
      client.trickle(times(4), 1);
    } else {
      client.send(times(4));
    }
    const std::string got = client.receive(200);  // Nagle's algorithm holds single bytes back
    EXPECT_EQ(count(got, "HTTP/1.1 200 "), 3U);
    EXPECT_EQ(count(got, "Connection: close\r\n"), 1U);
    EXPECT_TRUE(client.ended);
    EXPECT_TRUE(log.contains("after 3 requests; parameter max_connection_requests of module httpd"));
  }
}

TEST_F(ConnectionLimitsTest, SoManyRequestsMayComeAtOnce) {
  settings.max_pipelined_requests = 3;
  start();
  Client client(*this);
  for (int round = 0; round < 3; ++round) {
    client.send(times(3));
    EXPECT_EQ(count(client.receive(), "HTTP/1.1 200 "), 3U);
  }
  client.send(times(5));
  const std::string got = client.receive();
  EXPECT_EQ(count(got, "HTTP/1.1 200 "), 3U);
  EXPECT_EQ(count(got, "HTTP/1.1 429 "), 1U);
  EXPECT_THAT(got, HasSubstr("Too many requests were sent at once\n"));
  EXPECT_TRUE(client.ended);
  EXPECT_TRUE(log.contains("parameter max_pipelined_requests of module httpd"));
}

TEST_F(ConnectionLimitsTest, RequestsInSingleBytesBehindASlowOneCountAsWell) {
  settings.max_pipelined_requests = 3;
  start();
  for (const std::size_t behind : {3U, 4U}) {
    Client client(*this);
    client.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
    settle();
    client.trickle(times(behind), 1);
    settle(100);  // Nagle's algorithm holds single bytes back
    kept->send("late");
    const std::string got = client.receive(100);
    EXPECT_EQ(count(got, "HTTP/1.1 200 "), 4U);
    EXPECT_EQ(count(got, "HTTP/1.1 429 "), behind - 3);
  }
}

TEST_F(ConnectionLimitsTest, ARequestTooManyIsRefusedAndTheConnectionKept) {
  settings.max_request_rate = 1;
  settings.max_request_burst = 2;
  int handled = 0;
  root("count", {Method::kGet, Method::kPost}, [&handled](const Request&, Reply reply) {
    ++handled;
    reply.send("");
  });
  start();
  Client client(*this);
  client.send(times(2, "GET /count HTTP/1.1\r\nHost: a\r\n\r\n") + post("/count", "body"));
  const std::string got = client.receive();
  EXPECT_EQ(count(got, "HTTP/1.1 200 "), 2U);
  EXPECT_EQ(count(got, "HTTP/1.1 429 Too Many Requests\r\n"), 1U);
  EXPECT_THAT(got, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(handled, 2);
  EXPECT_FALSE(client.ended);
  EXPECT_TRUE(log.contains("parameter max_request_rate of module httpd"));
  EXPECT_EQ(statistics.value(Statistics::kRateRefusals), 1U);
  std::this_thread::sleep_for(1100ms);
  client.send("GET /count HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ConnectionLimitsTest, MalformedRequestsCountForTheRate) {
  settings.max_request_rate = 1;
  start();
  Client bad(*this);
  bad.send("nonsense\r\n\r\n");
  EXPECT_THAT(bad.receive(), StartsWith("HTTP/1.1 400 "));
  Client good(*this);
  good.send(kGet);
  EXPECT_THAT(good.receive(), StartsWith("HTTP/1.1 429 "));
}

TEST_F(ConnectionLimitsTest, ABodyThatTricklesIsCutOff) {
  settings.body_timeout = 1s;
  settings.min_body_rate = 1000;
  start();
  Client client(*this);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  const auto began = std::chrono::steady_clock::now();
  std::string got;
  for (int i = 0; i < 40 && got.empty(); ++i) {
    client.send("x");
    got = client.receive(50);
  }
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_THAT(got, StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(got, HasSubstr("The request body comes too slowly\n"));
  EXPECT_GT(took, 900ms);
  EXPECT_LT(took, 2s);
  EXPECT_TRUE(log.contains("parameter min_body_rate of module httpd"));
}

TEST_F(ConnectionLimitsTest, ABodyThatKeepsItsRateIsNot) {
  settings.body_timeout = 1s;
  settings.min_body_rate = 100;
  start();
  Client client(*this);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n");
  for (int i = 0; i < 40; ++i) {
    client.send("0123456789");
    settle(50);
  }
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ConnectionLimitsTest, ABodyThatStopsIsATimeoutAndNotARate) {
  settings.body_timeout = 1s;
  start();
  Client client(*this);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(900, 'x'));
  EXPECT_THAT(wait(client, 3s), HasSubstr("The request body took too long to arrive\n"));
  EXPECT_TRUE(log.contains("parameter body_timeout of module httpd"));
}

/// A client with a small buffer, so that what it does not read is not with its kernel either.
class SlowReaderTest : public ConnectionLimitsTest {
 protected:
  void SetUp() override {
    ConnectionLimitsTest::SetUp();
    settings.send_timeout = 1s;
    start();
  }
  net::UniqueFd slow_client() {
    net::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int small = 4096;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    EXPECT_EQ(::connect(fd.get(), &socket.address().get(), socket.address().size()), 0);
    const std::string_view get = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(::send(fd.get(), get.data(), get.size(), 0), static_cast<ssize_t>(get.size()));
    return fd;
  }
  /// Reads `size` bytes each 100 ms for `time`; true when the server has cut it off.
  bool read_slowly(const net::UniqueFd& fd, std::size_t size, std::chrono::milliseconds time) {
    std::vector<char> buffer(size);
    for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
      settle(1);
      if (::recv(fd.get(), buffer.data(), size, MSG_DONTWAIT) < 0 && errno == ECONNRESET) return true;
      if (server->connections() == 0) return true;
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }
};

TEST_F(SlowReaderTest, WhoReadsNothingIsCutOff) {
  const net::UniqueFd fd = slow_client();
  settle();
  for (int i = 0; i < 30 && server->connections() > 0; ++i)
    settle(100);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_TRUE(log.contains("took no byte of its reply for 1 s"));
  EXPECT_TRUE(log.contains("parameter send_timeout of module httpd"));
}

TEST_F(SlowReaderTest, WhoReadsSlowlyButEnoughIsNotCutOffThoughTheKernelTakesNothing) {
  settings.min_send_rate = 1000;
  const net::UniqueFd fd = slow_client();
  EXPECT_FALSE(read_slowly(fd, 4096, 4s)) << "40 KB a second; the kernel's buffer has megabytes";
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(SlowReaderTest, WhoReadsTooLittleIsCutOff) {
  settings.min_send_rate = 1'000'000;
  const net::UniqueFd fd = slow_client();
  EXPECT_TRUE(read_slowly(fd, 4096, 4s));
  EXPECT_TRUE(log.contains("took less of its reply than 1000000 bytes a second"));
  EXPECT_TRUE(log.contains("parameter min_send_rate of module httpd"));
}

TEST_F(ConnectionLimitsTest, ErrorsComeInTheFormThatTheClientPrefers) {
  start();
  Client client(*this);
  client.send("GET /nothing HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n");
  const std::string json = without_date(client.receive());
  EXPECT_THAT(json, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(json, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(json,
              HasSubstr("{\"error\":{\"status\":404,\"message\":\"Nothing is served under this path\"}}\n"));
  client.send("GET /drop HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("\"message\":\"The handler did not answer\""));
  client.send("GET /throw HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("\"message\":\"The handler failed\""));
  client.send("GET /nothing HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");
  const std::string text = client.receive();
  EXPECT_THAT(text, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nNothing is served under this path\n"));
}

}  // namespace
}  // namespace httpd::server
