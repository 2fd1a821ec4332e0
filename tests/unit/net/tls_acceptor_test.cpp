// Sessions that are taken up again. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_acceptor.h"

#include <ctime>
#include <gnutls/gnutls.h>
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
  /// A connection that says nothing.
  static void accept(TlsAcceptor& acceptor, TimePoint when) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const UniqueFd other(pair[1]);
    EXPECT_NE(acceptor.accept(UniqueFd(pair[0]), when), nullptr);
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
  accept(acceptor, now + TlsAcceptor::kTicketKeyAge);
  EXPECT_TRUE(resumes(acceptor, old));
  accept(acceptor, now + TlsAcceptor::kTicketKeyAge + Duration(1));
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

/// Servers that have their key in a file.
class TlsSharedTicketKeyTest : public TlsAcceptorTest {
 protected:
  std::shared_ptr<const TlsCredentials> credentials(
      const std::string& content, const std::string& ciphers = TlsOptions::kSuggestedCiphers,
      TlsVerifyClient verify = TlsVerifyClient::kNone) {
    return load_credentials({&pki::server()}, {.certificates = {},
                                               .ciphers = ciphers,
                                               .ca_file = {},
                                               .verify_client = verify,
                                               .ticket_key_file = folder.write("key", content)});
  }

  const std::string key = std::string(63, 'k') + 'l';
  const std::string other_key = std::string(63, 'o') + 'p';
  TemporaryFolder folder;
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsSharedTicketKeyTest, ::testing::Values(kTls12, kTls13), version_name);

TEST_P(TlsSharedTicketKeyTest, SessionsAreGoodAtEachOfThem) {
  TlsAcceptor one(credentials(key), kLifetime);
  TlsAcceptor other(credentials(key), kLifetime);
  EXPECT_TRUE(resumes(other, session(one)));
  EXPECT_TRUE(resumes(one, session(other)));
  TlsAcceptor stranger(credentials(other_key), kLifetime);
  EXPECT_FALSE(resumes(stranger, session(one)));
}

TEST_P(TlsSharedTicketKeyTest, AReplacementChangesTheKeyOnlyIfTheFileHasChanged) {
  TlsAcceptor acceptor(credentials(key), kLifetime);
  const std::string old = session(acceptor);
  acceptor.replace(credentials(key), kLifetime);
  EXPECT_TRUE(resumes(acceptor, old));
  acceptor.replace(credentials(other_key), kLifetime);
  EXPECT_FALSE(resumes(acceptor, old));
  acceptor.replace(load_credentials({&pki::server()}), kLifetime);
  EXPECT_FALSE(resumes(acceptor, old)) << "a key of its own again";
  acceptor.replace(credentials(key), kLifetime);
  EXPECT_TRUE(resumes(acceptor, old));
}

TEST_P(TlsSharedTicketKeyTest, ItDoesNotAge) {
  TlsAcceptor acceptor(credentials(key), kLifetime);
  const std::string old = session(acceptor);
  accept(acceptor, now + TlsAcceptor::kTicketKeyAge * 2);
  EXPECT_TRUE(resumes(acceptor, old));
}

TEST_P(TlsSharedTicketKeyTest, ALifetimeIsAPartOfIt) {
  TlsAcceptor one(credentials(key), kLifetime);
  TlsAcceptor other(credentials(key), kLifetime / 2);
  EXPECT_FALSE(resumes(other, session(one)));
  TlsAcceptor none(credentials(key), std::chrono::seconds(0));
  EXPECT_FALSE(resumes(none, session(one)));
}

/// In TLS 1.2 GnuTLS would take up a session with a cipher that the server does not allow any more.
TEST_P(TlsSharedTicketKeyTest, OnlySessionsOfTheSameRulesAreTakenUp) {
  const std::string loose = std::string(TlsOptions::kSuggestedCiphers) + ":-AES-256-GCM:-CHACHA20-POLY1305";
  const std::string strict = std::string(TlsOptions::kSuggestedCiphers) + ":-AES-128-GCM:-AES-128-CCM";
  TlsAcceptor one(credentials(key, loose), kLifetime);
  TlsAcceptor other(credentials(key, strict), kLifetime);
  EXPECT_FALSE(resumes(other, session(one)));
}

/// What docs/TLS.md says about machines whose clocks differ.
TEST_P(TlsSharedTicketKeyTest, MachinesNeedTheSameTime) {
  static std::time_t clock = 0;
  ::gnutls_global_set_time_function([](std::time_t* result) {
    if (result != nullptr) *result = clock;
    return clock;
  });
  const struct Restored {
    ~Restored() { ::gnutls_global_set_time_function(std::time); }
  } restored;
  constexpr std::time_t kPeriod = 3 * kLifetime.count();
  TlsAcceptor acceptor(credentials(key), kLifetime);
  const auto resumed_at = [&](std::time_t began, std::time_t when) {
    clock = began;
    const std::string old = session(acceptor);
    clock = when;
    return resumes(acceptor, old);
  };
  const std::time_t turn = std::time(nullptr) / kPeriod * kPeriod;
  EXPECT_TRUE(resumed_at(turn + 100, turn + 100));
  EXPECT_TRUE(resumed_at(turn + 100, turn + 100 + 7100));
  EXPECT_FALSE(resumed_at(turn + 100, turn + 100 + 7300)) << "ahead by more than a lifetime";
  EXPECT_FALSE(resumed_at(turn + 100, turn + 95)) << "behind";
  EXPECT_TRUE(resumed_at(turn - 5, turn + 5)) << "in the next period";
}

TEST_P(TlsSharedTicketKeyTest, NoneWhereClientCertificatesAreAskedForNow) {
  TlsAcceptor acceptor(credentials(key), kLifetime);
  const TlsClientOptions shown{.certificate = &pki::client()};
  const std::string old = session(acceptor, shown);
  acceptor.replace(credentials(key, TlsOptions::kSuggestedCiphers, TlsVerifyClient::kOptional), kLifetime);
  EXPECT_FALSE(resumes(acceptor, old, shown));
}

}  // namespace
}  // namespace httpd::net
