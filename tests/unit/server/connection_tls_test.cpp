// Connections that begin with a TLS handshake. SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <optional>
#include <sys/un.h>
#include <unistd.h>

#include "server/connection.h"
#include "tls_connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kClosing = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

class TlsVersionsTest : public TlsConnectionTest, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsVersionsTest, ::testing::Values(net::kTls12, net::kTls13),
                         net::version_name);

TEST_P(TlsVersionsTest, RequestsAreAnsweredOnOneConnection) {
  start_tls();
  const auto client = open({.priority = GetParam(), .server_name = "first.example"});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(without_date(ask(*client, kGet)), kHelloReply);
  EXPECT_THAT(
      ask(*client, get("/who")),
      EndsWith(std::string("\r\n\r\n") + (GetParam() == std::string_view(net::kTls12) ? "TLS1.2" : "TLS1.3") +
               "|first.example||"));
  EXPECT_EQ(statistics.value(Statistics::kTlsHandshakes), 1U);
  EXPECT_EQ(statistics.value(Statistics::kTlsResumed), 0U);
  EXPECT_EQ(statistics.value(Statistics::kTlsFailures), 0U);
  EXPECT_EQ(statistics.value(Statistics::kRequests), 4U);
}

TEST_P(TlsVersionsTest, PipelinedRequestsInOneRecordOrInMany) {
  start_tls();
  const auto client = open({.priority = GetParam()});
  std::string two(kGet);
  two += kGet;
  const std::string replies = std::string(kHelloReply) + std::string(kHelloReply);
  EXPECT_EQ(without_date(ask(*client, two)), replies);
  for (const char byte : two)
    client->write(std::string(1, byte));
  client->deliver();
  EXPECT_EQ(without_date(receive(*client)), replies);
  // More than fits into one read.
  std::string many;
  for (int i = 0; i < 3000; ++i)
    many += kGet;
  for (std::size_t at = 0; at < many.size(); at += 10'000) {
    client->write(std::string_view(many).substr(at, 10'000));
    client->deliver();
    settle(0);
  }
  EXPECT_EQ(without_date(receive(*client)).size(), 3000 * kHelloReply.size());
}

TEST_P(TlsVersionsTest, AMessageInFragmentsOfTheRecords) {
  start_tls();
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    const auto client = connect({.priority = GetParam()});
    for (int round = 0; round < 10 && !client->handshake(); ++round) {
      while (!client->output.empty()) {
        client->deliver(step);
        settle(0);
      }
      settle();
    }
    client->write(post("/echo", "four"));
    while (!client->output.empty()) {
      client->deliver(step);
      settle(0);
    }
    EXPECT_THAT(receive(*client), EndsWith("\r\n\r\nfour")) << step;
  }
}

TEST_P(TlsVersionsTest, ALargeReplyGoesToASlowReader) {
  start_tls();
  const auto client = connect({.priority = GetParam()}, 4096);
  ASSERT_TRUE(shake_hands(*client));
  client->send(get("/large"));
  std::string got;
  for (int idle = 0; idle < 3;) {
    settle(0);
    const std::string part = client->read(100'000);
    idle = part.empty() ? idle + 1 : 0;
    if (part.empty()) settle();
    got += part;
  }
  const std::size_t body = got.find("\r\n\r\n") + 4;
  EXPECT_EQ(got.size() - body, 8U << 20U);
  EXPECT_EQ(got.find_first_not_of('x', body), std::string::npos);
  EXPECT_EQ(without_date(ask(*client, kGet)), kHelloReply) << "and the connection goes on";
}

TEST_P(TlsVersionsTest, AStreamedReplyArrives) {
  start_tls();
  pieces = {{1, "one "}, {BodySource::kLater, ""}, {1, "two"}};
  const auto client = open({.priority = GetParam()});
  client->send(get("/stream"));
  settle(100);
  EXPECT_THAT(receive(*client), EndsWith("4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"));
}

TEST_P(TlsVersionsTest, ConnectionsEndWithCloseNotify) {
  start_tls();
  const auto client = open({.priority = GetParam()});
  EXPECT_THAT(ask(*client, kClosing), EndsWith("\r\n\r\nhello"));
  EXPECT_EQ(client->code(), 0) << "close_notify";
  client->read_raw();
  EXPECT_TRUE(client->ended);
}

TEST_P(TlsVersionsTest, AClientThatHasFinishedGetsItsReplyAndAnEnd) {
  start_tls();
  const auto client = open({.priority = GetParam()});
  client->write(kGet);
  client->close_notify();
  client->deliver();
  EXPECT_EQ(without_date(receive(*client)), kHelloReply);
  EXPECT_EQ(client->code(), 0) << "close_notify";
}

TEST_P(TlsVersionsTest, ATruncatedRequestIsNoRequest) {
  start_tls();
  const std::string whole = post("/count", "0123456789");
  for (std::size_t missing = 1; missing <= whole.size() - 1; missing += 13) {
    const auto client = open({.priority = GetParam()});
    client->send(whole.substr(0, whole.size() - missing));
    client->finish();
    EXPECT_EQ(receive(*client), "") << "nobody is there to be told";
  }
  EXPECT_EQ(calls, 0);
  const auto client = open({.priority = GetParam()});
  EXPECT_THAT(ask(*client, whole), EndsWith("counted"));
  EXPECT_EQ(calls, 1);
}

TEST_P(TlsVersionsTest, ARequestThatWasFinishedTooEarlyIsAnswered) {
  start_tls();
  const auto client = open({.priority = GetParam()});
  client->write("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
  client->close_notify();
  client->deliver();
  EXPECT_THAT(receive(*client), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(calls, 0);
}

TEST_P(TlsVersionsTest, ABodyWithoutLengthOrEndIsNoWholeReply) {
  start_tls();
  pieces = {{1, "some"}, {BodySource::kBroken, ""}};
  const auto client = open({.priority = GetParam()});
  client->send(get("/stream"));
  receive(*client);
  EXPECT_NE(client->code(), 0) << "no close_notify";
  EXPECT_NE(client->code(), GNUTLS_E_AGAIN) << "but an end";
}

TEST_P(TlsVersionsTest, SessionsAreResumedAndCounted) {
  start_tls();
  const auto first = open({.priority = GetParam()});
  ask(*first, kGet);
  const std::string session = first->session();
  const auto second = open({.priority = GetParam(), .session = session});
  EXPECT_TRUE(second->resumed());
  EXPECT_EQ(without_date(ask(*second, kGet)), kHelloReply);
  EXPECT_EQ(statistics.value(Statistics::kTlsHandshakes), 2U);
  EXPECT_EQ(statistics.value(Statistics::kTlsResumed), 1U);
}

TEST_P(TlsVersionsTest, HandlersLearnWhoTheClientIs) {
  start_tls(net::load_credentials({&net::pki::server()}, {.certificates = {},
                                                          .ciphers = net::TlsOptions::kSuggestedCiphers,
                                                          .ca_file = {},
                                                          .verify_client = net::TlsVerifyClient::kOptional}));
  const auto known = open({.priority = GetParam(), .certificate = &net::pki::client()});
  EXPECT_THAT(ask(*known, get("/who")), EndsWith("||CN=probe,O=Example|CN=Test Authority,O=Example"));
  const auto unknown = open({.priority = GetParam()});
  EXPECT_THAT(ask(*unknown, get("/who")), EndsWith("|||"));
  const auto foreign = connect({.priority = GetParam(), .certificate = &net::pki::foreign_client()});
  shake_hands(*foreign);
  if (foreign->secure()) ask(*foreign, get("/who"));
  EXPECT_EQ(foreign->code(), GNUTLS_E_FATAL_ALERT_RECEIVED);
  EXPECT_TRUE(log.contains(
      "TLS handshake failed: Error in the certificate verification: certificate of CN=stranger"));
  EXPECT_EQ(statistics.value(Statistics::kTlsFailures), 1U);
  EXPECT_EQ(statistics.value(Statistics::kRequests), 2U);
}

TEST_P(TlsVersionsTest, TheSessionIsKnownAsLongAsTheRequestIs) {
  start_tls();
  auto client = open({.priority = GetParam(), .server_name = "first.example"});
  client->send(get("/hold"));
  settle();
  ASSERT_NE(held, nullptr);
  client.reset();
  settle();
  ASSERT_NE(held->tls(), nullptr);
  EXPECT_EQ(held->tls()->server_name, "first.example");
  EXPECT_THAT(held->tls()->cipher_suite, StartsWith("TLS_"));
  kept.reset();
}

TEST_P(TlsVersionsTest, DrainingSaysGoodbye) {
  start_tls();
  const auto idle = open({.priority = GetParam()});
  const auto early = connect({.priority = GetParam()});
  const auto working = open({.priority = GetParam()});
  working->send(get("/keep"));
  settle();
  bool done = false;
  server->drain([&done] { done = true; });
  EXPECT_EQ(receive(*idle), "");
  EXPECT_EQ(idle->code(), 0) << "close_notify";
  EXPECT_EQ(early->read_raw(), "");
  EXPECT_TRUE(early->ended);
  EXPECT_FALSE(done);
  kept->send("late");
  EXPECT_THAT(receive(*working), EndsWith("\r\n\r\nlate"));
  EXPECT_EQ(working->code(), 0);
  working->close();
  settle();
  EXPECT_TRUE(done);
}

TEST_P(TlsVersionsTest, DrainingBeginsNoHandshake) {
  start_tls();
  const auto begun = connect({.priority = GetParam()});
  begun->handshake();
  begun->deliver();
  settle();
  const auto early = connect({.priority = GetParam()});
  early->handshake();
  early->deliver();
  server->drain([] {});
  settle();
  EXPECT_FALSE(begun->read_raw().empty());
  EXPECT_EQ(early->read_raw(), "");
  EXPECT_TRUE(early->reset);
}

TEST_P(TlsVersionsTest, TheServersEndCutsRepliesVisibly) {
  start_tls();
  const auto client = connect({.priority = GetParam()}, 4096);
  ASSERT_TRUE(shake_hands(*client));
  client->send(get("/large"));
  settle();
  server.reset();
  std::string got = client->read();
  EXPECT_LT(got.size(), 8U << 20U);
  EXPECT_NE(client->code(), 0);
  EXPECT_NE(client->code(), GNUTLS_E_AGAIN);
}

TEST_F(TlsConnectionTest, PlainHttpIsToldSo) {
  start_tls();
  for (const std::string& text :
       {std::string(kGet), std::string("G"), std::string("\r\nGET / HTTP/1.0\r\n\r\n"),
        "POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x')}) {
    Client client(*this);
    client.send(text);
    const std::string reply = client.receive();
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(reply, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(reply, HasSubstr("HTTPS"));
    EXPECT_TRUE(client.ended);
    EXPECT_FALSE(client.reset);
  }
  EXPECT_EQ(statistics.value(Statistics::kTlsFailures), 4U);
  EXPECT_EQ(statistics.value(Statistics::kTlsHandshakes), 0U);
  EXPECT_EQ(statistics.value(Statistics::kReplies4xx), 4U);
}

TEST_F(TlsConnectionTest, PlainListenersBesideItStayPlain) {
  start_tls();
  net::ListenSocket plain = net::ListenSocket::bind("127.0.0.1", 0);
  plain.listen();
  server->serve(plain);
  const net::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(fd.get(), &plain.address().get(), plain.address().size()), 0);
  const std::string request = get("/who");
  ASSERT_GT(::send(fd.get(), request.data(), request.size(), 0), 0);
  settle();
  char buffer[1024];
  const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_THAT(std::string(buffer, static_cast<std::size_t>(size)), EndsWith("in clear"));
  const auto client = open();
  EXPECT_THAT(ask(*client, get("/who")), EndsWith("TLS1.3|||"));
  server.reset();  // before its socket
}

TEST_F(TlsConnectionTest, TlsIsNotServedWithoutCertificates) {
  server = std::make_unique<Server>(loop, settings, router, log, statistics);
  EXPECT_THROW(server->serve(socket, true), std::logic_error);
}

TEST_F(TlsConnectionTest, AHandshakeThatFailsIsToldAndLogged) {
  start_tls();
  const auto client = connect({.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1"});
  EXPECT_FALSE(shake_hands(*client));
  EXPECT_EQ(client->code(), GNUTLS_E_FATAL_ALERT_RECEIVED);
  EXPECT_EQ(client->alert(), GNUTLS_A_PROTOCOL_VERSION);
  client->read_raw();
  EXPECT_TRUE(client->ended);
  EXPECT_FALSE(client->reset);
  EXPECT_TRUE(log.contains("127.0.0.1"));
  EXPECT_TRUE(log.contains("TLS handshake failed: "));
  EXPECT_EQ(statistics.value(Statistics::kTlsFailures), 1U);
  EXPECT_EQ(statistics.value(Statistics::kTlsHandshakes), 0U);
}

TEST_F(TlsConnectionTest, WhoHangsUpIsCountedAndNotLogged) {
  start_tls();
  for (const std::size_t sent : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
    const auto client = connect();
    client->handshake();
    client->deliver(sent);
    settle();
    client->close();
    settle();
  }
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_EQ(statistics.value(Statistics::kTlsFailures), 3U);
  EXPECT_THAT(log.lines, ::testing::IsEmpty());
}

TEST_F(TlsConnectionTest, TheHandshakeHasALimitHoweverItIsDrawnOut) {
  settings.tls_handshake_timeout = 1s;
  start_tls();
  Client silent(*this);
  const auto stopped = connect();
  stopped->handshake();
  stopped->deliver(50);
  const auto unfinished = connect();
  unfinished->handshake();
  unfinished->deliver();
  settle();
  unfinished->handshake();  // its last flight stays where it is
  const auto trickling = connect();
  trickling->handshake();
  const auto begin = std::chrono::steady_clock::now();
  while (server->connections() > 0 && std::chrono::steady_clock::now() - begin < 3s) {
    trickling->deliver(1);
    settle(50);
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(took, 800ms);
  EXPECT_LT(took, 2s);
  silent.receive(0);
  EXPECT_TRUE(silent.ended);
  EXPECT_EQ(statistics.value(Statistics::kTimeouts), 4U);
  EXPECT_EQ(statistics.value(Statistics::kTlsFailures), 4U);
  EXPECT_TRUE(log.contains("did not finish its TLS handshake in 1 s"));
  EXPECT_TRUE(log.contains("tls_handshake_timeout"));
}

TEST_F(TlsConnectionTest, AfterTheHandshakeOtherLimitsHold) {
  settings.tls_handshake_timeout = 1s;
  start_tls();
  const auto client = open();
  settle(1200);
  EXPECT_EQ(without_date(ask(*client, kGet)), kHelloReply);
}

TEST_F(TlsConnectionTest, AnIdleConnectionIsEndedWithCloseNotify) {
  settings.conn_timeout = 1s;
  start_tls();
  const auto client = open();
  settle(1200);
  EXPECT_EQ(client->read(), "");
  EXPECT_EQ(client->code(), 0) << "close_notify";
}

TEST_F(TlsConnectionTest, AFaultInARecordEndsTheConnectionWithoutAReply) {
  start_tls();
  const auto client = open();
  client->read();
  client->write(post("/count", "0123456789"));
  char& last = client->output.back();
  last = static_cast<char>(last ^ 1);
  client->deliver();
  settle();
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(TlsConnectionTest, UnixClientsAreNamedByTheirProcess) {
  server = std::make_unique<Server>(loop, settings, router, log, statistics);
  const net::TemporaryFolder folder;
  net::UnixSocketPlace place;
  place.path = folder.path("socket");
  net::ListenSocket local = net::ListenSocket::bind_unix(place);
  server->serve(local);
  const net::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  place.path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::send(fd.get(), "bad\r\n\r\n", 7, 0), 7);
  settle();
  EXPECT_TRUE(log.contains("unix (process " + std::to_string(::getpid()) + ", user " +
                           std::to_string(::getuid()) + "): 400 "));
  server.reset();
}

}  // namespace
}  // namespace httpd::server
