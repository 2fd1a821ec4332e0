// What the options mean to clients: names, versions, certificates of their own.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_options.h"

#include <gmock/gmock.h>
#include <string>
#include <utility>
#include <vector>

#include "tls_client.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

using ::testing::HasSubstr;
using Handshake = TlsStream::Handshake;

class TlsOptionsTest : public TlsServingTest {};

TEST_F(TlsOptionsTest, TheDefaultStringServesClientsWithLargerCurves) {
  options.ciphers = TlsOptions::kDefaultCiphers;
  for (const TestCertificate* const certificate :
       {&pki::server(), &pki::second_server(), &pki::rsa_server()}) {
    use(*certificate);
    EXPECT_TRUE(serves(*certificate));
    EXPECT_FALSE(serves(*certificate, {.priority = kTls13})) << "TLS 1.2 alone";
  }
}

TEST_F(TlsOptionsTest, TheSuggestedStringServesClientsOfAllKinds) {
  for (const TestCertificate* const certificate :
       {&pki::server(), &pki::second_server(), &pki::rsa_server()}) {
    use(*certificate);
    for (const std::string version : {kTls12, kTls13})
      for (const char* const group : {"SECP256R1", "SECP384R1", "X25519"})
        EXPECT_TRUE(serves(*certificate, {.priority = version + ":-GROUP-ALL:+GROUP-" + group}))
            << version << group;
    EXPECT_FALSE(serves(*certificate, {.priority = std::string(kTls12) + ":-KX-ALL:+RSA:+DHE-RSA"}))
        << "forward secrecy, at little cost";
    EXPECT_FALSE(serves(*certificate, {.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1"}));
  }
}

/// Several certificates, of which the client's name chooses.
class TlsNamesTest : public TlsServingTest {
 protected:
  void use(const std::vector<const TestCertificate*>& list) {
    options.certificates.clear();
    for (const TestCertificate* const certificate : list)
      options.certificates.push_back(folder.write(*certificate, std::to_string(options.certificates.size())));
  }
};

TEST_F(TlsNamesTest, CaseDoesNotMatter) {
  use({&pki::server(), &pki::second_server(), &pki::wildcard_server()});
  for (const char* const name : {"second.example", "SECOND.example", "Second.Example"})
    EXPECT_TRUE(serves(pki::second_server(), {.server_name = name})) << name;
  for (const char* const name : {"wild.example", "Wild.Example", "WILD.EXAMPLE"})
    EXPECT_TRUE(serves(pki::wildcard_server(), {.server_name = name})) << name;
}

TEST_F(TlsNamesTest, WildcardsStandForOneLabel) {
  use({&pki::server(), &pki::wildcard_server()});
  for (const char* const name : {"a.wild.example", "A.WILD.EXAMPLE"})
    EXPECT_TRUE(serves(pki::wildcard_server(), {.server_name = name})) << name;
  for (const char* const name : {"a.b.wild.example", "awild.example", "wild.example.org", "other.example"})
    EXPECT_TRUE(serves(pki::server(), {.server_name = name})) << name;
}

TEST_F(TlsNamesTest, ANameInFullComesBeforeAWildcard) {
  const TestCertificate one({.name = "one", .names = {"one.wild.example"}}, &pki::authority());
  for (const auto& order : {std::vector<const TestCertificate*>{&one, &pki::wildcard_server()},
                            std::vector<const TestCertificate*>{&pki::wildcard_server(), &one}}) {
    use(order);
    EXPECT_TRUE(serves(one, {.server_name = "one.wild.example"}));
    EXPECT_TRUE(serves(one, {.server_name = "ONE.wild.example"}));
    EXPECT_TRUE(serves(pki::wildcard_server(), {.server_name = "two.wild.example"}));
  }
}

TEST_F(TlsNamesTest, KeysOfTwoKindsForOneNameServeClientsOfBoth) {
  const TestCertificate rsa(
      {.name = "wild", .key = KeyKind::kRsa, .names = {"*.wild.example", "Wild.Example"}}, &pki::authority());
  const std::string base = std::string(kTls12) + ":-SIGN-ALL";
  for (const auto& order :
       {std::vector<const TestCertificate*>{&pki::server(), &rsa, &pki::wildcard_server()},
        std::vector<const TestCertificate*>{&pki::wildcard_server(), &pki::server(), &rsa}}) {
    use(order);
    for (const char* const name : {"a.wild.example", "Wild.Example", "WILD.example"}) {
      EXPECT_TRUE(serves(rsa, {.priority = base + ":+SIGN-RSA-SHA256", .server_name = name})) << name;
      EXPECT_TRUE(
          serves(pki::wildcard_server(), {.priority = base + ":+SIGN-ECDSA-SHA256", .server_name = name}))
          << name;
    }
  }
}

TEST_F(TlsNamesTest, CertificatesWithoutAnyNamesAreKeptApart) {
  const TestCertificate bare({.name = "bare.example"}, &pki::authority());
  const TestCertificate other({.name = "other.example"}, &pki::authority());
  use({&pki::server(), &bare, &other});
  EXPECT_TRUE(serves(bare, {.server_name = "bare.example"})) << "the common name";
  EXPECT_TRUE(serves(other, {.server_name = "OTHER.example"}));
}

TEST_F(TlsNamesTest, ClientsAreVerifiedWhateverTheyAskFor) {
  use({&pki::server(), &pki::wildcard_server()});
  options.verify_client = TlsVerifyClient::kRequire;
  options.ca_file = folder.write("ca.pem", pki::authority().pem());
  for (const char* const name : {"first.example", "FIRST.example", "a.wild.example", "unknown.example"}) {
    for (const char* const version : {kTls12, kTls13}) {
      EXPECT_FALSE(serves(pki::server(), {.priority = version, .server_name = name})) << name;
      EXPECT_FALSE(serves(pki::server(),
                          {.priority = version, .server_name = name, .certificate = &pki::foreign_client()}))
          << name;
    }
  }
  EXPECT_TRUE(
      serves(pki::wildcard_server(), {.server_name = "a.wild.example", .certificate = &pki::client()}));
  EXPECT_TRUE(serves(pki::server(), {.server_name = "first.example", .certificate = &pki::client()}));
}

/// Who comes in with which certificate.
class TlsClientCertificateTest : public ::testing::TestWithParam<const char*> {
 protected:
  static testing::AssertionResult connects(TlsVerifyClient verify, const TestCertificate* certificate,
                                           TlsFacts& facts, std::string& failure) {
    TlsAcceptor acceptor(load_credentials({&pki::server()}, {.certificates = {},
                                                             .ciphers = TlsOptions::kSuggestedCiphers,
                                                             .ca_file = {},
                                                             .verify_client = verify}),
                         std::chrono::seconds(7200));
    TlsPair pair(acceptor, {.priority = GetParam(), .certificate = certificate});
    const bool client_content = pair.shake_hands();
    failure.clear();
    if (pair.state != Handshake::kDone) {
      failure = pair.stream->failure();
      // In TLS 1.3 the client thinks itself through before the server has looked.
      if (pair.client->secure()) pair.client->read();
      EXPECT_EQ(pair.state, Handshake::kFailed);
      EXPECT_EQ(pair.client->code(), GNUTLS_E_FATAL_ALERT_RECEIVED);
      return testing::AssertionFailure() << failure;
    }
    EXPECT_TRUE(client_content);
    pair.client->send("hello");
    EXPECT_EQ(pair.read(), "hello");
    facts = pair.stream->facts();
    return testing::AssertionSuccess();
  }
  TlsFacts facts;
  std::string failure;
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsClientCertificateTest, ::testing::Values(kTls12, kTls13), version_name);

TEST_P(TlsClientCertificateTest, AreNotAskedForUnlessWanted) {
  for (const TestCertificate* const certificate :
       {static_cast<const TestCertificate*>(nullptr), &pki::client(), &pki::foreign_client()}) {
    EXPECT_TRUE(connects(TlsVerifyClient::kNone, certificate, facts, failure));
    EXPECT_EQ(facts.client_subject + facts.client_fingerprint, "");
  }
}

TEST_P(TlsClientCertificateTest, AGoodOneIsTold) {
  for (const TlsVerifyClient verify : {TlsVerifyClient::kOptional, TlsVerifyClient::kRequire}) {
    ASSERT_TRUE(connects(verify, &pki::client(), facts, failure));
    EXPECT_EQ(facts.client_subject, "CN=probe,O=Example");
    EXPECT_EQ(facts.client_issuer, "CN=Test Authority,O=Example");
    EXPECT_EQ(facts.client_serial.substr(0, 4), "0abc");
    EXPECT_EQ(facts.client_fingerprint.size(), 64U);
  }
}

TEST_P(TlsClientCertificateTest, NoneIsGoodOnlyWhereItIsOptional) {
  EXPECT_TRUE(connects(TlsVerifyClient::kOptional, nullptr, facts, failure));
  EXPECT_EQ(facts.client_subject, "");
  EXPECT_FALSE(connects(TlsVerifyClient::kRequire, nullptr, facts, failure));
  EXPECT_NE(failure, "");
}

TEST_P(TlsClientCertificateTest, ABadOneIsRefusedWithItsNameAndReason) {
  const std::vector<std::pair<const TestCertificate*, const char*>> bad{
      {&pki::foreign_client(), "NOT trusted"},
      {&pki::expired_client(), "expired"},
      {&pki::server(), "purpose"}};
  for (const TlsVerifyClient verify : {TlsVerifyClient::kOptional, TlsVerifyClient::kRequire}) {
    for (const auto& [certificate, reason] : bad) {
      EXPECT_FALSE(connects(verify, certificate, facts, failure));
      EXPECT_THAT(failure, HasSubstr(reason));
      EXPECT_THAT(failure, HasSubstr("certificate of CN="));
    }
  }
}

TEST_P(TlsClientCertificateTest, ASelfSignedOneIsRefused) {
  const TestCertificate self_made({.name = "Test Authority", .purpose = Purpose::kClient});
  EXPECT_FALSE(connects(TlsVerifyClient::kOptional, &self_made, facts, failure));
}

}  // namespace
}  // namespace httpd::net
