// Sessions that are taken up again. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_acceptor.h"

#include <gtest/gtest.h>
#include <string>

#include "tls_client.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

class TlsAcceptorTest : public ::testing::TestWithParam<const char*> {
 protected:
  /// A whole session, as the client remembers it.
  std::string session(TlsAcceptor& acceptor, TlsClientOptions options = {}) {
    options.priority = GetParam();
    TlsPair pair(acceptor, options);
    pair.now = now;
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_FALSE(pair.stream->resumed());
    pair.client->read();  // tickets come behind the handshake in TLS 1.3
    return pair.client->session();
  }
  /// Whether the server takes it up; both sides must agree on that, and can talk.
  bool resumes(TlsAcceptor& acceptor, const std::string& session, TlsClientOptions options = {}) {
    options.priority = GetParam();
    options.session = session;
    TlsPair pair(acceptor, options);
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(pair.stream->resumed(), pair.client->resumed());
    pair.client->send("ping");
    EXPECT_EQ(pair.read(), "ping");
    pair.write("pong");
    EXPECT_EQ(pair.client->read(), "pong");
    return pair.stream->resumed();
  }

  static constexpr std::chrono::seconds kLifetime{7200};
  TimePoint now{};
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsAcceptorTest, ::testing::Values(kTls12, kTls13), version_name);

TEST_P(TlsAcceptorTest, TicketsLeadBackToTheSession) {
  TlsAcceptor acceptor(load_credentials({&pki::server()}), kLifetime);
  const std::string old = session(acceptor);
  EXPECT_TRUE(resumes(acceptor, old));
  EXPECT_TRUE(resumes(acceptor, old)) << "more than once";
  EXPECT_FALSE(resumes(acceptor, {}));
}

TEST_P(TlsAcceptorTest, FactsAreThereAfterAResumptionToo) {
  TlsAcceptor acceptor(load_credentials({&pki::server()}), kLifetime);
  const TlsClientOptions named{
      .priority = GetParam(), .server_name = "first.example", .protocols = {"http/1.1"}};
  TlsClientOptions again = named;
  again.session = session(acceptor, named);
  TlsPair pair(acceptor, again);
  ASSERT_TRUE(pair.shake_hands());
  ASSERT_TRUE(pair.stream->resumed());
  const TlsFacts facts = pair.stream->facts();
  EXPECT_EQ(facts.version, GetParam() == std::string(kTls12) ? "TLS1.2" : "TLS1.3");
  EXPECT_NE(facts.cipher_suite, "");
  EXPECT_EQ(facts.server_name, "first.example");
  EXPECT_EQ(pair.client->protocol(), "http/1.1");
}

TEST_P(TlsAcceptorTest, NoneWithALifetimeOfZero) {
  TlsAcceptor acceptor(load_credentials({&pki::server()}), std::chrono::seconds(0));
  EXPECT_FALSE(resumes(acceptor, session(acceptor)));
}

TEST_P(TlsAcceptorTest, NoneThatIsOlderThanItsLifetime) {
  TlsAcceptor acceptor(load_credentials({&pki::server()}), std::chrono::seconds(2));
  const std::string old = session(acceptor);
  EXPECT_TRUE(resumes(acceptor, old));
  ::usleep(3'100'000);  // GnuTLS counts in seconds of the system's clock
  EXPECT_FALSE(resumes(acceptor, old));
}

TEST_P(TlsAcceptorTest, NoneFromBeforeAReplacement) {
  const auto credentials = load_credentials({&pki::server()});
  TlsAcceptor acceptor(credentials, kLifetime);
  const std::string old = session(acceptor);
  acceptor.replace(credentials, std::chrono::hours(2));
  EXPECT_FALSE(resumes(acceptor, old));
  EXPECT_TRUE(resumes(acceptor, session(acceptor)));
}

TEST_P(TlsAcceptorTest, NoneOfAnotherServer) {
  const auto credentials = load_credentials({&pki::server()});
  TlsAcceptor one(credentials, kLifetime);
  TlsAcceptor other(credentials, kLifetime);
  EXPECT_FALSE(resumes(other, session(one)));
}

TEST_P(TlsAcceptorTest, NoneOnceTheKeyIsTooOld) {
  TlsAcceptor acceptor(load_credentials({&pki::server()}), kLifetime);
  const std::string old = session(acceptor);
  int pair[2];
  const auto accept_at = [&](TimePoint when) {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const UniqueFd other(pair[1]);
    EXPECT_NE(acceptor.accept(UniqueFd(pair[0]), when), nullptr);
  };
  accept_at(now + TlsAcceptor::kTicketKeyAge);
  EXPECT_TRUE(resumes(acceptor, old));
  accept_at(now + TlsAcceptor::kTicketKeyAge + Duration(1));
  EXPECT_FALSE(resumes(acceptor, old));
}

TEST_P(TlsAcceptorTest, NoneWithClientCertificates) {
  for (const TlsVerifyClient verify : {TlsVerifyClient::kOptional, TlsVerifyClient::kRequire}) {
    TlsAcceptor acceptor(load_credentials({&pki::server()}, {.certificates = {},
                                                             .ciphers = TlsOptions::kSuggestedCiphers,
                                                             .ca_file = {},
                                                             .verify_client = verify}),
                         kLifetime);
    const TlsClientOptions shown{.certificate = &pki::client()};
    EXPECT_FALSE(resumes(acceptor, session(acceptor, shown), shown));
  }
}

TEST_P(TlsAcceptorTest, ATicketThatWasTamperedWithIsAnOrdinaryHandshake) {
  TlsAcceptor acceptor(load_credentials({&pki::server()}), kLifetime);
  TlsPair pair(acceptor, {.priority = GetParam(), .session = session(acceptor)});
  pair.client->handshake();
  std::string& hello = pair.client->output;
  // TLS 1.2 has the ticket in the midst of the hello; where it is in TLS 1.3, its binder does not fit then.
  hello[hello.size() - 60] = static_cast<char>(hello[hello.size() - 60] ^ 1);
  pair.shake_hands();
  EXPECT_FALSE(pair.state == TlsStream::Handshake::kDone && pair.stream->resumed());
}

TEST(TlsAcceptorCredentials, SessionsKeepTheirsAndNewOnesGetTheNew) {
  auto credentials = load_credentials({&pki::server()});
  const std::weak_ptr<const TlsCredentials> watched = credentials;
  TlsAcceptor acceptor(std::move(credentials), std::chrono::seconds(7200));
  TlsPair before(acceptor);
  TlsPair in_between(acceptor);
  ASSERT_TRUE(before.shake_hands());
  in_between.client->handshake();
  in_between.client->deliver(10);
  EXPECT_EQ(in_between.stream->handshake(), TlsStream::Handshake::kBlocked);
  acceptor.replace(load_credentials({&pki::second_server()}), std::chrono::hours(2));
  EXPECT_EQ(acceptor.credentials().certificates()[0].subject, "CN=second,O=Example");
  TlsPair after(acceptor);
  ASSERT_TRUE(after.shake_hands());
  EXPECT_EQ(after.client->server_certificate(), pki::second_server().der());
  ASSERT_TRUE(in_between.shake_hands());
  EXPECT_EQ(in_between.client->server_certificate(), pki::server().der());
  before.client->send("still here");
  EXPECT_EQ(before.read(), "still here");
  EXPECT_FALSE(watched.expired());
  before.stream.reset();
  in_between.stream.reset();
  EXPECT_TRUE(watched.expired()) << "keys are not kept longer than they are used";
}

TEST(TlsTicketKey, EachIsAnother) {
  const TlsTicketKey one;
  const TlsTicketKey other;
  EXPECT_GE(one.bytes().size(), 32U);
  EXPECT_NE(one.bytes(), other.bytes());
}

}  // namespace
}  // namespace httpd::net
