// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/tls_settings.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

#include "../net/tls_fixture.h"
#include "fixture.h"

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class TlsSettingsTest : public ::testing::Test {
 protected:
  void add(const net::TestCertificate& certificate, const std::string& name) {
    const net::TlsCertificateFiles files = folder.write(certificate, name);
    settings.certificate_files.push_back({files.certificate, {}});
    settings.key_files.push_back(files.key);
  }
  /// Why they cannot be loaded; "" when they can.
  std::string refusal() {
    log.lines.clear();
    try {
      loaded = load_tls(settings, log);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return {};
  }
  net::TemporaryFolder folder;
  TlsSettings settings;
  TestLog log;
  std::shared_ptr<const net::TlsCredentials> loaded;
};

TEST_F(TlsSettingsTest, NothingIsConfiguredAtFirst) {
  EXPECT_FALSE(settings.configured());
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(loaded, nullptr);
  EXPECT_THAT(files_of(settings), IsEmpty());
}

TEST_F(TlsSettingsTest, WhatAsksForSafetyIsNotIgnoredWithoutTls) {
  settings.options.verify_client = net::TlsVerifyClient::kOptional;
  EXPECT_THAT(refusal(),
              AllOf(StartsWith("tls_verify_client "), HasSubstr("tls_cert_file and tls_key_file")));
  settings.options.verify_client = net::TlsVerifyClient::kNone;
  settings.options.ca_file = "ca.pem";
  EXPECT_THAT(refusal(), StartsWith("tls_ca_file "));
  settings.options.ca_file.clear();
  settings.options.ciphers = "NORMAL";
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(log.lines, ElementsAre(StartsWith("tls_ciphers has no effect")));
  settings.options.ticket_key_file = "tickets";
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(log.lines, ElementsAre(StartsWith("tls_ciphers has no effect"),
                                     StartsWith("tls_ticket_key_file has no effect")));
}

TEST_F(TlsSettingsTest, CertificatesAndKeysArePairs) {
  settings.certificate_files = {{"c1", "o1"}, {"c2", ""}};
  settings.key_files = {"k1", "k2"};
  settings.options.ca_file = "ca";
  settings.options.ticket_key_file = "t";
  const net::TlsOptions options = settings.complete();
  ASSERT_EQ(options.certificates.size(), 2U);
  EXPECT_EQ(options.certificates[0].certificate, "c1");
  EXPECT_EQ(options.certificates[0].key, "k1");
  EXPECT_EQ(options.certificates[0].ocsp, "o1");
  EXPECT_EQ(options.certificates[1].certificate, "c2");
  EXPECT_EQ(options.certificates[1].key, "k2");
  EXPECT_EQ(options.certificates[1].ocsp, "");
  EXPECT_EQ(options.ca_file, "ca");
  EXPECT_THAT(files_of(settings), UnorderedElementsAre("c1", "o1", "k1", "c2", "k2", "ca", "t"));
}

TEST_F(TlsSettingsTest, OneWithoutTheOtherIsRefusedByName) {
  settings.certificate_files = {{"c1", ""}};
  EXPECT_TRUE(settings.configured());
  EXPECT_EQ(refusal(), "tls_cert_file \"c1\" has no key: add a line for tls_key_file");
  settings.key_files = {"k1", "k2"};
  EXPECT_EQ(refusal(), "tls_key_file \"k2\" has no certificate: add a line for tls_cert_file");
  settings.certificate_files = {{"c1", ""}, {"c2", ""}, {"c3", ""}};
  EXPECT_EQ(refusal(), "tls_cert_file \"c3\" has no key: add a line for tls_key_file");
  settings.certificate_files.clear();
  EXPECT_TRUE(settings.configured());
  EXPECT_EQ(refusal(), "tls_key_file \"k1\" has no certificate: add a line for tls_cert_file");
}

TEST_F(TlsSettingsTest, LoadsWhatTheFilesHold) {
  add(net::pki::server(), "one");
  add(net::pki::second_server(), "two");
  EXPECT_EQ(refusal(), "");
  ASSERT_NE(loaded, nullptr);
  ASSERT_EQ(loaded->certificates().size(), 2U);
  EXPECT_EQ(loaded->certificates()[1].subject, "CN=second,O=Example");
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST_F(TlsSettingsTest, WhatIsOddGoesToTheLog) {
  add(net::pki::expired_server(), "old");
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("has expired at")));
}

TEST_F(TlsSettingsTest, WhatIsWrongIsAConfigError) {
  add(net::pki::server(), "one");
  settings.key_files = {folder.path("missing")};
  EXPECT_THAT(refusal(), StartsWith("tls_key_file \"" + folder.path("missing") + "\" cannot be read"));
  settings.options.ciphers = "NONSENSE";
  EXPECT_THAT(refusal(), StartsWith("tls_ciphers \"NONSENSE\" "));
}

TEST_F(TlsSettingsTest, AKeyForTicketsIsOfNoUseWhereThereAreNone) {
  add(net::pki::server(), "one");
  settings.options.ticket_key_file = folder.path("missing");
  EXPECT_THAT(refusal(), StartsWith("tls_ticket_key_file \"" + folder.path("missing") + "\" cannot be read"));
  settings.options.ticket_lifetime = std::chrono::seconds(0);
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("not used while tls_ticket_lifetime is 0")));
  settings.options.verify_client = net::TlsVerifyClient::kOptional;
  settings.options.ca_file = folder.write("ca.pem", net::pki::authority().pem());
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("not used with tls_verify_client")));
  EXPECT_EQ(loaded->ticket_key(), "");
}

TEST_F(TlsSettingsTest, AdviceIsForTheLog) {
  add(net::pki::server(), "one");
  ASSERT_EQ(refusal(), "");
  advise(*loaded, log);
  EXPECT_THAT(log.lines,
              ElementsAre(AllOf(HasSubstr("P-256"), HasSubstr(net::TlsOptions::kSuggestedCiphers))));
  settings.options.ciphers = net::TlsOptions::kSuggestedCiphers;
  ASSERT_EQ(refusal(), "");
  advise(*loaded, log);
  EXPECT_THAT(log.lines, IsEmpty());
}

}  // namespace
}  // namespace httpd::server
