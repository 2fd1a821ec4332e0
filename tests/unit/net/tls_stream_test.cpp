// Handshakes, and how sessions end. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_stream.h"

#include <gmock/gmock.h>
#include <string>
#include <tuple>

#include "tls_client.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

using ::testing::HasSubstr;
using Handshake = TlsStream::Handshake;
using State = IoResult::State;

class TlsStreamTest : public ::testing::Test {
 protected:
  TlsAcceptor acceptor{load_credentials({&pki::server(), &pki::second_server()}), std::chrono::seconds(7200)};
};

class TlsFragmentsTest : public TlsStreamTest,
                         public ::testing::WithParamInterface<std::tuple<const char*, std::size_t>> {};

std::string fragments_name(const ::testing::TestParamInfo<TlsFragmentsTest::ParamType>& both) {
  const auto [version, step] = both.param;
  return (version == std::string_view(kTls12) ? "Tls12By" : "Tls13By") + std::to_string(step);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TlsFragmentsTest,
                         ::testing::Combine(::testing::Values(kTls12, kTls13),
                                            ::testing::Values(1, 2, 3, 5, 6, 7, 64, 1000)),
                         fragments_name);

TEST_P(TlsFragmentsTest, TheHandshakeAndARequestArriveInPieces) {
  const auto [version, step] = GetParam();
  TlsPair pair(acceptor, {.priority = version});
  ASSERT_TRUE(pair.shake_hands(step)) << pair.stream->failure();
  pair.client->write("one request");
  pair.client->write(" in two records");
  std::string text;
  while (!pair.client->output.empty()) {
    pair.client->deliver(step);
    text += pair.read();
    EXPECT_EQ(pair.result.state, State::kBlocked);
  }
  EXPECT_EQ(text, "one request in two records");
}

TEST_F(TlsStreamTest, TheRequestComesTogetherWithTheEndOfTheHandshake) {
  // In TLS 1.2 only a client that does not wait for the server's last word can do that (RFC 7918).
  for (const TlsClientOptions& options :
       {TlsClientOptions{.priority = kTls13},
        TlsClientOptions{.priority = kTls12, .flags = GNUTLS_ENABLE_FALSE_START}}) {
    TlsPair pair(acceptor, options);
    ASSERT_TRUE(pair.shake_hands(std::string::npos, true));
    ASSERT_FALSE(pair.client->output.empty());
    pair.client->send("request");
    ASSERT_EQ(pair.stream->handshake(), Handshake::kDone) << options.priority;
    EXPECT_EQ(pair.read(), "request") << "with no event in between";
  }
}

TEST_F(TlsStreamTest, TheRequestMayFollowARequestToResumeInTls12) {
  TlsPair first(acceptor, {.priority = kTls12});
  ASSERT_TRUE(first.shake_hands());
  TlsPair pair(acceptor, {.priority = kTls12, .session = first.client->session()});
  ASSERT_TRUE(pair.shake_hands(std::string::npos, true));
  pair.client->send("request");
  ASSERT_EQ(pair.stream->handshake(), Handshake::kDone);
  EXPECT_TRUE(pair.stream->resumed());
  EXPECT_EQ(pair.read(), "request");
}

TEST_F(TlsStreamTest, TellsWhatWasAgreedOn) {
  TlsPair pair(acceptor, {.priority = kTls13, .server_name = "second.example"});
  ASSERT_TRUE(pair.shake_hands());
  TlsFacts facts = pair.stream->facts();
  EXPECT_EQ(facts.version, "TLS1.3");
  EXPECT_THAT(facts.cipher_suite, HasSubstr("TLS_AES_"));
  EXPECT_EQ(facts.server_name, "second.example");
  EXPECT_EQ(facts.client_subject + facts.client_issuer + facts.client_serial + facts.client_fingerprint, "");
  EXPECT_FALSE(pair.stream->resumed());
  EXPECT_EQ(pair.stream->tls(), pair.stream.get());
  TlsPair nameless(acceptor,
                   {.priority = "NONE:+VERS-TLS1.2:+AES-256-GCM:+AEAD:+ECDHE-ECDSA:+GROUP-ALL:+SIGN-ALL"});
  ASSERT_TRUE(nameless.shake_hands());
  facts = nameless.stream->facts();
  EXPECT_EQ(facts.version, "TLS1.2");
  EXPECT_EQ(facts.cipher_suite, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
  EXPECT_EQ(facts.server_name, "");
}

TEST_F(TlsStreamTest, TheNameChoosesTheCertificate) {
  const auto shown_for = [this](const std::string& name) {
    TlsPair pair(acceptor, {.server_name = name});
    EXPECT_TRUE(pair.shake_hands()) << name;
    return pair.client->server_certificate();
  };
  EXPECT_EQ(shown_for("first.example"), pki::server().der());
  EXPECT_EQ(shown_for("second.example"), pki::second_server().der());
  EXPECT_EQ(shown_for("third.example"), pki::server().der()) << "unknown names get the first";
  EXPECT_EQ(shown_for(""), pki::server().der());
  EXPECT_EQ(shown_for("x.second.example"), pki::server().der());
}

TEST_F(TlsStreamTest, AlpnNamesHttpOrNothingElse) {
  const auto chosen = [this](const char* version, const std::vector<std::string>& protocols) {
    TlsPair pair(acceptor, {.priority = version, .protocols = protocols});
    if (pair.shake_hands()) return pair.client->protocol().empty() ? "none" : pair.client->protocol();
    EXPECT_EQ(pair.state, Handshake::kFailed);
    EXPECT_EQ(pair.client->alert(), GNUTLS_A_NO_APPLICATION_PROTOCOL);
    return std::string("refused");
  };
  for (const char* const version : {kTls12, kTls13}) {
    EXPECT_EQ(chosen(version, {"http/1.1"}), "http/1.1");
    EXPECT_EQ(chosen(version, {"h2", "http/1.1"}), "http/1.1");
    EXPECT_EQ(chosen(version, {"http/1.0"}), "http/1.0");
    EXPECT_EQ(chosen(version, {}), "none");
    EXPECT_EQ(chosen(version, {"h2"}), "refused");
    EXPECT_EQ(chosen(version, {"http/1"}), "refused");
    EXPECT_EQ(chosen(version, {"http/1.1x"}), "refused");
  }
}

TEST_F(TlsStreamTest, NothingInCommonIsToldWithAnAlert) {
  TlsPair pair(acceptor, {.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1"});
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(pair.state, Handshake::kFailed);
  EXPECT_NE(pair.stream->failure(), "");
  EXPECT_EQ(pair.client->code(), GNUTLS_E_FATAL_ALERT_RECEIVED);
  EXPECT_EQ(pair.client->alert(), GNUTLS_A_PROTOCOL_VERSION);
}

TEST_F(TlsStreamTest, AnAlertOfTheClientIsNamed) {
  for (const char* const version : {kTls12, kTls13}) {
    TlsPair pair(acceptor, {.priority = version});
    ::gnutls_session_set_verify_cert(pair.client->get(), "first.example", 0);  // it knows no authority
    EXPECT_FALSE(pair.shake_hands());
    EXPECT_EQ(pair.client->code(), GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
    EXPECT_EQ(pair.state, Handshake::kBlocked);
    ::gnutls_alert_send(pair.client->get(), GNUTLS_AL_FATAL, GNUTLS_A_UNKNOWN_CA);
    pair.client->deliver();
    pair.client->finish();
    EXPECT_EQ(pair.stream->handshake(), Handshake::kFailed) << version;
    EXPECT_THAT(pair.stream->failure(), HasSubstr("(CA is unknown)"));
  }
}

TEST_F(TlsStreamTest, PlainHttpIsKnownByItsFirstByte) {
  for (const std::string text : {"GET / HTTP/1.1\r\n", "POST /", "OPTIONS", "CONNECT", "DELETE", "TRACE",
                                 "MKCOL", "\r\nGET / HTTP/1.1", "\nGET", "get", "A", "Z", "a", "z"}) {
    TlsPair pair(acceptor);
    pair.client->send_raw(text);
    ASSERT_EQ(pair.stream->handshake(), Handshake::kPlainText) << text;
    EXPECT_EQ(pair.read(), text) << "it is all there";
    EXPECT_EQ(pair.write("plain reply").bytes, 11U);
    pair.stream->finish_writing();
    EXPECT_EQ(pair.client->read_raw(), "plain reply");
    EXPECT_TRUE(pair.client->ended);
    pair.client->send_raw("more");
    EXPECT_EQ(pair.read(), "more");
  }
}

TEST_F(TlsStreamTest, PlainHttpEndsLikePlainHttp) {
  TlsPair pair(acceptor);
  pair.client->send_raw("GET");
  ASSERT_EQ(pair.stream->handshake(), Handshake::kPlainText);
  pair.client->finish();
  EXPECT_EQ(pair.read(), "GET");
  EXPECT_EQ(pair.result.state, State::kEnd);
  pair.stream->end();
  EXPECT_EQ(pair.client->read_raw(), "") << "no alert";
}

TEST_F(TlsStreamTest, OtherBytesThatAreNoTlsGetAnAlert) {
  for (const std::string& garbage :
       {std::string("\0\0\0\0\0\0\0\0", 8), std::string(64, '@'), std::string(64, '['), std::string(64, '`'),
        std::string(64, '{'), std::string(64, '\xff'), std::string(64, ' '), std::string(64, '\x15'),
        std::string(64, '\x17'), std::string(70'000, '\x16'),
        std::string("\x16\x03\x01\x00\x00", 5) + "?????",
        std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01?", 10),
        std::string("\x80\x2e\x01\x00\x02", 5) + std::string(60, 'x')}) {
    TlsPair pair(acceptor);
    pair.client->send_raw(garbage);
    Handshake state = pair.stream->handshake();
    if (state == Handshake::kBlocked) {  // it may be the beginning of something: let it end there
      pair.client->finish();
      state = pair.stream->handshake();
      EXPECT_EQ(state, Handshake::kHungUp);
      continue;
    }
    ASSERT_EQ(state, Handshake::kFailed) << garbage.substr(0, 8);
    EXPECT_NE(pair.stream->failure(), "");
    const std::string reply = pair.client->read_raw();
    ASSERT_EQ(reply.size(), 7U);
    EXPECT_EQ(reply[0], '\x15') << "an alert";
    EXPECT_EQ(reply[5], '\x02') << "a fatal one";
    EXPECT_FALSE(pair.client->ended) << "and time to read it";
    char byte = 0;
    EXPECT_EQ(pair.stream->read(&byte, 1).state, State::kFailed);
    const iovec piece{&byte, 1};
    EXPECT_EQ(pair.stream->write(std::span(&piece, 1)).state, State::kFailed);
  }
}

TEST_F(TlsStreamTest, WhoLeavesBeforeTheEndOfTheHandshakeHungUp) {
  std::size_t flight = 0;
  for (std::size_t cut = 0; cut == 0 || cut < flight; cut += 37) {
    TlsPair pair(acceptor);
    pair.client->handshake();
    flight = pair.client->output.size();
    pair.client->deliver(cut);
    EXPECT_EQ(pair.stream->handshake(), Handshake::kBlocked);
    pair.client->finish();
    EXPECT_EQ(pair.stream->handshake(), Handshake::kHungUp) << "after " << cut << " bytes";
  }
  TlsPair pair(acceptor);
  ASSERT_TRUE(pair.shake_hands(std::string::npos, true));
  pair.client->deliver(pair.client->output.size() - 1);
  EXPECT_EQ(pair.stream->handshake(), Handshake::kBlocked);
  pair.client->close();
  EXPECT_EQ(pair.stream->handshake(), Handshake::kHungUp);
}

TEST_F(TlsStreamTest, AnEndlessHandshakeIsCutOff) {
  // Warnings may come at any time, but not any number of them.
  TlsPair pair(acceptor, {.priority = kTls12});
  std::string warnings;
  for (int i = 0; i < 1000; ++i)
    warnings += std::string("\x15\x03\x03\x00\x02\x01\x5a", 7);  // user_canceled
  pair.client->handshake();
  pair.client->deliver();
  EXPECT_EQ(pair.stream->handshake(), Handshake::kBlocked);
  pair.client->send_raw(warnings);
  EXPECT_EQ(pair.stream->handshake(), Handshake::kFailed);
}

TEST_F(TlsStreamTest, AHandshakeThroughAFullSocketGoesOnLater) {
  TlsPair pair(acceptor, {.priority = kTls12});
  const int small = 1;
  ASSERT_EQ(::setsockopt(pair.stream->descriptor(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  pair.client->handshake();
  // The socket is full of something else.
  std::size_t junk = 0;
  for (ssize_t count = 1; count > 0; junk += static_cast<std::size_t>(std::max<ssize_t>(count, 0)))
    count = ::send(pair.stream->descriptor(), "junk", 4, MSG_DONTWAIT);
  pair.client->deliver();
  EXPECT_EQ(pair.stream->handshake(), Handshake::kBlocked);
  EXPECT_EQ(pair.client->read_raw().size(), junk);
  EXPECT_EQ(pair.stream->handshake(), Handshake::kBlocked) << "no input, but room";
  EXPECT_TRUE(pair.shake_hands());
}

TEST_F(TlsStreamTest, EndSaysGoodbyeAndDestructionDoesNot) {
  for (const bool orderly : {true, false}) {
    for (const char* const version : {kTls12, kTls13}) {
      TlsPair pair(acceptor, {.priority = version});
      ASSERT_TRUE(pair.shake_hands());
      pair.write("last words");
      if (orderly) pair.stream->end();
      pair.stream.reset();
      EXPECT_EQ(pair.client->read(), "last words");
      EXPECT_EQ(pair.client->code(), orderly ? 0 : GNUTLS_E_PREMATURE_TERMINATION) << version;
    }
  }
}

TEST_F(TlsStreamTest, EndBeforeTheHandshakeSaysNothing) {
  TlsPair pair(acceptor);
  pair.stream->end();
  pair.stream.reset();
  EXPECT_EQ(pair.client->read_raw(), "");
  EXPECT_TRUE(pair.client->ended);
}

TEST_F(TlsStreamTest, AbortResets) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  TlsPair pair(acceptor);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  pair.client = std::make_unique<TlsClient>(std::move(fd));
  pair.stream =
      acceptor.accept(UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK)), pair.now);
  ASSERT_TRUE(pair.shake_hands());
  pair.client->read();
  pair.stream->abort();
  pair.stream.reset();
  EXPECT_EQ(pair.client->read_raw(), "");
  EXPECT_TRUE(pair.client->reset);
}

TEST_F(TlsStreamTest, TheEndSaysGoodbyeAndReadsWhatComesRaw) {
  TlsPair pair(acceptor);
  ASSERT_TRUE(pair.shake_hands());
  pair.client->read();
  EXPECT_TRUE(pair.stream->end());
  EXPECT_TRUE(pair.stream->end()) << "said once";
  pair.stream->finish_writing();
  EXPECT_EQ(pair.client->read(), "");
  EXPECT_EQ(pair.client->code(), 0) << "close_notify";
  pair.client->read_raw();
  EXPECT_TRUE(pair.client->ended);
  pair.client->send("not to be understood any more");
  EXPECT_GT(pair.read().size(), 0U);
  EXPECT_EQ(pair.result.state, State::kBlocked);
  EXPECT_EQ(pair.write("x").state, State::kFailed);
  pair.client->close();
  pair.read();
  EXPECT_EQ(pair.result.state, State::kEnd);
}

TEST_F(TlsStreamTest, TheEndThroughAFullSocketIsToldWhenItIsOut) {
  TlsPair pair(acceptor);
  ASSERT_TRUE(pair.shake_hands());
  pair.client->read();
  const int small = 1;
  ASSERT_EQ(::setsockopt(pair.stream->descriptor(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  pair.write(std::string(1 << 20, 'x'));
  EXPECT_FALSE(pair.stream->end());
  std::string got;
  bool ended = false;
  for (int i = 0; i < 1000 && !ended; ++i) {
    got += pair.client->read();
    ended = pair.stream->end();
  }
  EXPECT_TRUE(ended);
  pair.stream->finish_writing();
  got += pair.client->read();
  EXPECT_EQ(pair.client->code(), 0) << "close_notify";
  EXPECT_GT(got.size(), 0U);
  EXPECT_EQ(got.find_first_not_of('x'), std::string::npos);
  pair.client->read_raw();
  EXPECT_TRUE(pair.client->ended);
}

}  // namespace
}  // namespace httpd::net
