// Bodies from files: small and large, in clear and over TLS. SPDX-License-Identifier: GPL-2.0-or-later
#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>

#include "../memory_file.h"
#include "server/connection.h"
#include "tls_connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class ConnectionFileTest : public TlsConnectionTest {
 protected:
  void SetUp() override {
    ASSERT_NE(::signal(SIGPIPE, SIG_IGN), SIG_ERR);
    TlsConnectionTest::SetUp();
    root("part", {Method::kGet}, [this](const Request&, Reply reply) {
      reply.send(FileBody(descriptor = ::dup(file.get()), offset, size));
    });
    root("file", {Method::kGet}, [this](const Request&, Reply reply) {
      File whole = File::from_descriptor(descriptor = ::dup(file.get()));
      reply.content_type("a/b").send_file(std::move(whole.set_entity_tag("\"t\"")));
    });
    root("none", {Method::kGet}, [](const Request&, Reply reply) { reply.send_file(File::open("/absent")); });
  }
  /// The file that is served, all of it unless told otherwise.
  void hold(const std::string& text) {
    file = net::UniqueFd(memory_file(text));
    size = text.size();
  }
  [[nodiscard]] bool closed() const { return ::fcntl(descriptor, F_GETFD) < 0; }
  static std::string body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

  net::UniqueFd file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  int descriptor = -1;
};

TEST_F(ConnectionFileTest, EverySizeInClear) {
  start();
  Client client(*this);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{16384}, std::size_t{16385}, std::size_t{5'000'000}}) {
    hold("123" + numbered_lines(length));
    offset = 3;
    size = length;
    client.send(get("/part") + std::string(kGet));
    const std::string got = without_date(client.receive(0));
    EXPECT_THAT(got, HasSubstr("Content-Length: " + std::to_string(length) + "\r\n"));
    EXPECT_TRUE(got.ends_with("\r\n\r\n" + numbered_lines(length) + std::string(kHelloReply))) << length;
    EXPECT_TRUE(closed()) << length;
  }
}

TEST_F(ConnectionFileTest, EverySizeOverTls) {
  start_tls();
  const auto client = open();
  for (const std::size_t length : {std::size_t{1}, std::size_t{16385}, std::size_t{3'000'000}}) {
    hold(numbered_lines(length));
    const std::string got = ask(*client, get("/part"));
    EXPECT_TRUE(body_of(got) == numbered_lines(length)) << length;
    EXPECT_TRUE(closed()) << length;
    EXPECT_EQ(without_date(ask(*client, kGet)), kHelloReply);
  }
}

TEST_F(ConnectionFileTest, CountsWhatItSends) {
  hold(numbered_lines(3'000'000));
  start();
  Client client(*this);
  client.send(get("/part"));
  const std::size_t received = client.receive(0).size();
  EXPECT_EQ(statistics.value(Statistics::kBytesSent), received);
  EXPECT_EQ(statistics.value(Statistics::kReplies2xx), 1U);
}

TEST_F(ConnectionFileTest, HeadAndHttp10) {
  hold(numbered_lines(100'000));
  start();
  Client client(*this);
  client.send("HEAD /part HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head = client.receive();
  EXPECT_THAT(head, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_TRUE(closed());
  client.send("GET /part HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(body_of(client.receive()).size(), 100'000U);
  client.send("GET /part HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(client.receive()).size(), 100'000U);
  EXPECT_TRUE(client.ended);
  EXPECT_FALSE(client.reset);
}

TEST_F(ConnectionFileTest, ConditionsAndRanges) {
  hold(numbered_lines(100'000));
  start();
  Client client(*this);
  client.send(get("/file"));
  EXPECT_THAT(client.receive(), HasSubstr("ETag: \"t\"\r\n"));
  client.send("GET /file HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"t\"\r\n\r\n");
  const std::string same = client.receive();
  EXPECT_THAT(same, StartsWith("HTTP/1.1 304 "));
  EXPECT_THAT(same, EndsWith("\r\n\r\n"));
  client.send("GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=50000-\r\n\r\n");
  EXPECT_TRUE(body_of(client.receive()) == numbered_lines(100'000).substr(50'000));
  client.send("GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,-1\r\n\r\n" + std::string(kGet));
  const std::string parts = client.receive();
  EXPECT_THAT(parts, HasSubstr("Content-Type: multipart/byteranges; boundary="));
  EXPECT_THAT(parts, HasSubstr("Content-Range: bytes 99999-99999/100000\r\n"));
  EXPECT_THAT(without_date(parts), EndsWith(kHelloReply));
  EXPECT_TRUE(closed());
}

TEST_F(ConnectionFileTest, AFileThatIsNoneIsAnsweredWith500) {
  start();
  Client client(*this);
  client.send(get("/none") + std::string(kGet));
  const std::string got = client.receive();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(without_date(got), EndsWith(kHelloReply));
}

TEST_F(ConnectionFileTest, ASmallFileThatIsTooShortIsAnsweredWith500) {
  hold("short");
  size = 6;
  start();
  Client client(*this);
  client.send(get("/part") + std::string(kGet));
  const std::string got = client.receive();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(without_date(got), EndsWith(kHelloReply));
  EXPECT_TRUE(log.contains("a file of root part is shorter"));
  EXPECT_TRUE(closed());
}

TEST_F(ConnectionFileTest, ALargeFileThatBecomesShorterCutsTheConnection) {
  start();
  hold(numbered_lines(8 << 20));
  Client client(*this);
  client.send(get("/part"));
  settle(0);
  ASSERT_EQ(::ftruncate(file.get(), 7 << 20), 0);
  EXPECT_LT(client.receive().size(), std::size_t{8} << 20);
  EXPECT_TRUE(client.reset);
  EXPECT_TRUE(log.contains("a file of root part became shorter while it was sent to 127.0.0.1"));
  EXPECT_TRUE(closed());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ConnectionFileTest, TheSameOverTls) {
  start_tls();
  hold(numbered_lines(8 << 20));
  const auto client = open();
  client->send(get("/part"));
  settle(0);
  ASSERT_EQ(::ftruncate(file.get(), 7 << 20), 0);
  EXPECT_LT(receive(*client).size(), std::size_t{8} << 20);
  EXPECT_NE(client->code(), 0) << "no close_notify: the client sees that it was cut";
  EXPECT_TRUE(log.contains("a file of root part became shorter"));
  EXPECT_TRUE(closed());
}

TEST_F(ConnectionFileTest, AClientThatStopsReadingIsCut) {
  settings.send_timeout = 1s;
  hold(numbered_lines(16 << 20));
  start();
  Client client(*this);
  client.send(get("/part"));
  settle(1500);
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_TRUE(log.contains("send_timeout"));
  EXPECT_TRUE(closed());
}

TEST_F(ConnectionFileTest, AClientThatLeavesClosesTheFile) {
  hold(numbered_lines(16 << 20));
  start();
  Client client(*this);
  client.send(get("/part"));
  settle(0);
  EXPECT_FALSE(closed());
  send_and_reset(client, "");
  settle();
  EXPECT_TRUE(closed());
}

TEST_F(ConnectionFileTest, AServerThatEndsClosesTheFile) {
  hold(numbered_lines(16 << 20));
  start();
  Client client(*this);
  client.send(get("/part"));
  settle(0);
  server.reset();
  EXPECT_TRUE(closed());
}

TEST_F(ConnectionFileTest, AReplyWhoseClientIsGoneClosesTheFile) {
  hold("x");
  start();
  Client client(*this);
  client.send(get("/keep"));
  settle();
  send_and_reset(client, "");
  settle();
  const int mine = ::dup(file.get());
  kept->send(FileBody(mine, 0, 1));
  EXPECT_LT(::fcntl(mine, F_GETFD), 0);
}

}  // namespace
}  // namespace httpd::server
