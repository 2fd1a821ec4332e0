// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reload.h"

#include <gmock/gmock.h>
#include <sstream>

#include "tls_connection_fixture.h"

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsReloadTest : public TlsConnectionTest {
 protected:
  void SetUp() override {
    TlsConnectionTest::SetUp();
    put(net::pki::server());
    settings.tls.certificate_files = {{folder.path("server.pem"), {}}};
    settings.tls.key_files = {folder.path("server.key")};
    settings.tls.options.ciphers = net::TlsOptions::kSuggestedCiphers;
    start_tls(load_tls(settings.tls, log));
  }
  void put(const net::TestCertificate& certificate) {
    static_cast<void>(folder.write(certificate, "server"));
  }
  net::TemporaryFolder folder;
};

TEST_F(TlsReloadTest, NewConnectionsGetWhatTheFilesHoldNow) {
  const auto before = open();
  put(net::pki::second_server());
  EXPECT_EQ(open()->server_certificate(), net::pki::server().der()) << "not by itself";
  const ReloadResult result = reload(Reload::kTls, *server, settings, log);
  EXPECT_TRUE(result.good);
  EXPECT_THAT(result.text,
              AllOf(StartsWith(folder.path("server.pem") + ": CN=second,O=Example; for second.example;"),
                    HasSubstr("; until 20")));
  EXPECT_TRUE(log.contains("TLS files read again"));
  EXPECT_EQ(open()->server_certificate(), net::pki::second_server().der());
  EXPECT_EQ(without_date(ask(*before, kGet)), kHelloReply) << "open connections stay";
}

TEST_F(TlsReloadTest, ABadFileLeavesTheOldOnesInService) {
  folder.write("server.key", net::pki::second_server().key_pem());
  const ReloadResult result = reload(Reload::kTls, *server, settings, log);
  EXPECT_FALSE(result.good);
  EXPECT_THAT(result.text, StartsWith("tls_key_file \"" + folder.path("server.key") + "\" is not the key"));
  EXPECT_TRUE(log.contains("the certificates from before stay in service"));
  EXPECT_EQ(open()->server_certificate(), net::pki::server().der());
  put(net::pki::second_server());
  EXPECT_TRUE(reload(Reload::kTls, *server, settings, log).good) << "when it is mended";
}

TEST_F(TlsReloadTest, ABadKeyForTicketsIsABadFile) {
  settings.tls.options.ticket_key_file = folder.write("tickets", "short");
  put(net::pki::second_server());
  const ReloadResult result = reload(Reload::kTls, *server, settings, log);
  EXPECT_FALSE(result.good);
  EXPECT_THAT(result.text, StartsWith("tls_ticket_key_file \"" + folder.path("tickets") + "\" has 5 bytes"));
  EXPECT_EQ(open()->server_certificate(), net::pki::server().der());
}

TEST_F(TlsReloadTest, ALongAnswerHasWholeLines) {
  settings.tls.certificate_files.assign(60, settings.tls.certificate_files.front());
  settings.tls.key_files.assign(60, settings.tls.key_files.front());
  const ReloadResult result = reload(Reload::kTls, *server, settings, log);
  ASSERT_TRUE(result.good) << result.text;
  EXPECT_LE(result.text.size(), ReloadChannel::kMaxText);
  std::size_t lines = 0;
  std::size_t more = 0;
  std::istringstream text(result.text);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("and ")) {
      more = std::stoul(line.substr(4));
    } else {
      ++lines;
      EXPECT_THAT(line, AllOf(StartsWith(folder.path("server.pem") + ": CN="), HasSubstr(" UTC")));
    }
  }
  EXPECT_GT(lines, 5U);
  EXPECT_GT(more, 0U);
  EXPECT_EQ(lines + more, 60U);
}

TEST_F(TlsReloadTest, ALongErrorIsCutBetweenCharacters) {
  std::string name = "/nowhere/";
  while (name.size() < 5000)
    name += "\xe4\xb8\xad";
  settings.tls.certificate_files = {{name, {}}};
  const ReloadResult result = reload(Reload::kTls, *server, settings, log);
  EXPECT_FALSE(result.good);
  EXPECT_LE(result.text.size(), ReloadChannel::kMaxText);
  EXPECT_GT(result.text.size(), ReloadChannel::kMaxText - 10);
  EXPECT_THAT(result.text, ::testing::EndsWith("\xe4\xb8\xad..."));
}

TEST_F(TlsReloadTest, AnOddFileIsUsedAndTold) {
  put(net::pki::expired_server());
  EXPECT_TRUE(reload(Reload::kTls, *server, settings, log).good);
  EXPECT_TRUE(log.contains("has expired at"));
  EXPECT_EQ(open()->server_certificate(), net::pki::expired_server().der());
}

TEST_F(TlsReloadTest, WithoutTlsThereIsNothingToReload) {
  settings.tls.certificate_files.clear();
  settings.tls.key_files.clear();
  const ReloadResult result = reload(Reload::kTls, *server, settings, log);
  EXPECT_FALSE(result.good);
  EXPECT_THAT(result.text, HasSubstr("TLS is not in use"));
}

class TlsReloadVersionsTest : public TlsReloadTest, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsReloadVersionsTest, ::testing::Values(net::kTls12, net::kTls13),
                         net::version_name);

TEST_P(TlsReloadVersionsTest, NewCertificatesAreForNewConnections) {
  const auto before = open({.priority = GetParam()});
  ask(*before, kGet);
  const auto in_between = connect({.priority = GetParam()});
  in_between->handshake();
  in_between->deliver();
  settle();
  server->use_tls(net::load_credentials({&net::pki::second_server()}));
  const auto after = open({.priority = GetParam(), .session = before->session()});
  EXPECT_FALSE(after->resumed());
  EXPECT_EQ(after->server_certificate(), net::pki::second_server().der());
  ASSERT_TRUE(shake_hands(*in_between));
  EXPECT_EQ(in_between->server_certificate(), net::pki::server().der());
  for (TlsClient* const client : {before.get(), in_between.get(), after.get()})
    EXPECT_EQ(without_date(ask(*client, kGet)), kHelloReply);
}

}  // namespace
}  // namespace httpd::server
