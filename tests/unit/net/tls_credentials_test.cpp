// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_credentials.h"

#include <gmock/gmock.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>

#include "net/tls_error.h"
#include "net/tls_file.h"
#include "tls_client.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class TlsCredentialsTest : public TlsServingTest {};

TEST_F(TlsCredentialsTest, TakesKeysOfAllKindsInBothForms) {
  for (const TestCertificate* const certificate :
       {&pki::server(), &pki::second_server(), &pki::rsa_server()}) {
    use(*certificate);
    EXPECT_TRUE(serves(*certificate)) << "PKCS#8";
    options.certificates[0].key = folder.write("server.key", certificate->traditional_key_pem());
    EXPECT_THAT(certificate->traditional_key_pem(), Not(HasSubstr("BEGIN PRIVATE KEY")));
    EXPECT_TRUE(serves(*certificate)) << "traditional";
    EXPECT_THAT(warnings, IsEmpty());
  }
}

TEST_F(TlsCredentialsTest, TakesKeysThatOpensslWrites) {
  // Parameters before the key, and text around it.
  use(pki::server());
  options.certificates[0].key = folder.write(
      "server.key", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" +
                        pki::server().traditional_key_pem());
  EXPECT_TRUE(serves(pki::server()));
  options.certificates[0].certificate =
      folder.write("server.pem", "subject=CN = first\n" + pki::server().chain_pem() + "\n# the end\n");
  EXPECT_TRUE(serves(pki::server()));
}

TEST_F(TlsCredentialsTest, OneFileMayHoldBoth) {
  const std::string both = folder.write("both.pem", pki::server().key_pem() + pki::server().pem());
  options.certificates = {{both, both, {}}};
  EXPECT_TRUE(serves(pki::server()));
}

TEST_F(TlsCredentialsTest, TellsWhatIsInService) {
  options.certificates = {folder.write(pki::server(), "one"), folder.write(pki::rsa_server(), "two")};
  const auto credentials = load();
  ASSERT_EQ(credentials->certificates().size(), 2U);
  const TlsCredentials::Certificate& first = credentials->certificates()[0];
  EXPECT_EQ(first.file, folder.path("one.pem"));
  EXPECT_EQ(first.subject, "CN=first,O=Example");
  EXPECT_EQ(first.names, "first.example, 127.0.0.1");
  EXPECT_NEAR(static_cast<double>(first.not_after - std::time(nullptr)), 24.0 * 3600, 600);
  EXPECT_EQ(first.ocsp_until, 0);
  EXPECT_EQ(credentials->certificates()[1].subject, "CN=rsa,O=Example");
  EXPECT_EQ(credentials->verify_client(), TlsVerifyClient::kNone);
}

TEST_F(TlsCredentialsTest, AFileThatCannotBeReadIsNamedWithItsParameter) {
  use(pki::server());
  const TlsOptions good = options;
  const std::string missing = folder.path("missing");
  options.certificates[0].certificate = missing;
  EXPECT_THAT(refusal(), StartsWith("tls_cert_file \"" + missing + "\" cannot be read: "));
  options = good;
  options.certificates[0].key = missing;
  EXPECT_THAT(refusal(), StartsWith("tls_key_file \"" + missing + "\" cannot be read: "));
  options = good;
  options.certificates[0].ocsp = missing;
  EXPECT_THAT(refusal(), StartsWith("tls_ocsp_file \"" + missing + "\" cannot be read: "));
  options = good;
  options.ca_file = missing;
  options.verify_client = TlsVerifyClient::kRequire;
  EXPECT_THAT(refusal(), StartsWith("tls_ca_file \"" + missing + "\" cannot be read: "));
}

TEST_F(TlsCredentialsTest, AKeyThatEverybodyMayReadIsRefusedUnlessThatIsMeant) {
  use(pki::server());
  folder.write("server.key", pki::server().key_pem(), 0644);
  EXPECT_THAT(refusal(), HasSubstr("chmod o-rwx '" + folder.path("server.key") + "'"));
  options.key_permissions_check = false;
  EXPECT_EQ(refusal(), "");
  options.key_permissions_check = true;
  folder.write("server.key", pki::server().key_pem(), 0640);
  folder.write("server.pem", pki::server().pem(), 0644);
  EXPECT_EQ(refusal(), "");
}

TEST_F(TlsCredentialsTest, AKeyOfAnotherCertificateIsRefused) {
  for (const TestCertificate* const other : {&pki::client(), &pki::second_server(), &pki::rsa_server()}) {
    use(pki::server());
    folder.write("server.key", other->key_pem());
    EXPECT_EQ(refusal(), "tls_key_file \"" + folder.path("server.key") +
                             "\" is not the key of the certificate in tls_cert_file \"" +
                             folder.path("server.pem") + "\"");
  }
}

TEST_F(TlsCredentialsTest, JunkIsRefused) {
  use(pki::server());
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const std::string named = "tls_cert_file \"" + folder.path("server.pem") + "\" ";
  for (const std::string& junk : {std::string("junk"), pki::server().key_pem(), pki::server().der()}) {
    folder.write("server.pem", junk);
    EXPECT_EQ(refusal(), named + "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  }
  folder.write("server.pem", broken);
  EXPECT_THAT(refusal(), StartsWith(named));
  folder.write("server.pem", pki::server().pem() + broken);
  EXPECT_THAT(refusal(), StartsWith(named));
  use(pki::server());
  for (const std::string& junk :
       {std::string("junk"), pki::server().pem(), std::string("\0\0\0", 3),
        std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}) {
    folder.write("server.key", junk);
    EXPECT_THAT(refusal(),
                StartsWith("tls_key_file \"" + folder.path("server.key") + "\" holds no private key"));
  }
}

TEST_F(TlsCredentialsTest, AnEncryptedKeyIsRefusedWithTheCommandThatHelps) {
  use(pki::server());
  const std::string file = folder.write("server.key", pki::server().key_pem("secret"));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("tls_key_file \"" + file + "\" is encrypted"),
                               HasSubstr("openssl pkey -in '" + file + "'")));
  folder.write("server.key",
               "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
               "AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END EC PRIVATE KEY-----\n");
  EXPECT_THAT(refusal(), HasSubstr("is encrypted"));
}

TEST_F(TlsCredentialsTest, AChainGoesFromTheServerUp) {
  use(pki::chained_server());
  EXPECT_TRUE(serves(pki::chained_server()));
  EXPECT_EQ(chain_length, 2U);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(TlsCredentialsTest, AChainIsPutInOrderBehindTheServersOwn) {
  use(pki::chained_server());
  const std::string own = pki::chained_server().pem();
  folder.write("server.pem", own + pki::authority().pem() + pki::intermediate().pem());
  EXPECT_TRUE(serves(pki::chained_server()));
  EXPECT_EQ(chain_length, 3U);
  EXPECT_THAT(warnings, IsEmpty());
  folder.write("server.pem", pki::intermediate().pem() + own);
  EXPECT_THAT(refusal(), HasSubstr("is not the key of the certificate"));
}

TEST_F(TlsCredentialsTest, WarnsOfCertificatesThatDoNotBelongToTheChain) {
  use(pki::chained_server());
  folder.write("server.pem",
               pki::chained_server().pem() + pki::foreign_authority().pem() + pki::intermediate().pem());
  EXPECT_TRUE(serves(pki::chained_server()));
  EXPECT_EQ(chain_length, 2U);
  EXPECT_THAT(warnings,
              ElementsAre(AllOf(StartsWith("tls_cert_file \"" + folder.path("server.pem") + "\" holds"),
                                HasSubstr("are not sent"))));
}

TEST_F(TlsCredentialsTest, WarnsOfCertificatesWhoseTimeIsNotNow) {
  use(pki::expired_server());
  EXPECT_TRUE(serves(pki::expired_server())) << "a warning, no error";
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], AllOf(StartsWith("tls_cert_file \"" + folder.path("server.pem") + "\""),
                                 HasSubstr("CN=expired,O=Example has expired at 20"), HasSubstr(" UTC")));
  use(pki::future_server());
  EXPECT_TRUE(serves(pki::future_server()));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("CN=future,O=Example is not valid before 20"));
}

TEST_F(TlsCredentialsTest, WarnsOfAnExpiredCertificateAnywhereInTheChain) {
  const TestCertificate old_issuer({.name = "old issuer",
                                    .purpose = Purpose::kAuthority,
                                    .begin = -std::chrono::hours(48),
                                    .end = -std::chrono::hours(1)},
                                   &pki::authority());
  use(TestCertificate({.name = "below"}, &old_issuer));
  load();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("CN=old issuer,O=Example has expired at"));
}

TEST_F(TlsCredentialsTest, AuthoritiesAndVerificationBelongTogether) {
  use(pki::server());
  for (const TlsVerifyClient verify : {TlsVerifyClient::kOptional, TlsVerifyClient::kRequire}) {
    options.verify_client = verify;
    options.ca_file.clear();
    EXPECT_THAT(refusal(), StartsWith("tls_verify_client needs tls_ca_file"));
    options.ca_file = folder.write("ca.pem", pki::foreign_authority().pem() + pki::authority().pem());
    EXPECT_EQ(refusal(), "");
    EXPECT_THAT(warnings, IsEmpty());
    EXPECT_EQ(load()->verify_client(), verify);
  }
  options.verify_client = TlsVerifyClient::kNone;
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(warnings,
              ElementsAre(StartsWith("tls_ca_file is not used while tls_verify_client is \"none\"")));
}

TEST_F(TlsCredentialsTest, AFileOfAuthoritiesHoldsSome) {
  use(pki::server());
  options.verify_client = TlsVerifyClient::kRequire;
  for (const std::string& junk :
       {std::string("junk"), pki::server().key_pem(),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    options.ca_file = folder.write("ca.pem", junk);
    EXPECT_THAT(refusal(), StartsWith("tls_ca_file \"" + options.ca_file + "\" "));
  }
}

TEST_F(TlsCredentialsTest, ABadPriorityStringIsAnErrorHereToo) {
  use(pki::server());
  options.ciphers = "NORMAL:+NULL";
  EXPECT_THAT(refusal(), StartsWith("tls_ciphers \"NORMAL:+NULL\" "));
}

TEST_F(TlsCredentialsTest, AdvisesWhereP256IsMissingAndTheAdviceHelps) {
  use(pki::server());
  options.ciphers = TlsOptions::kDefaultCiphers;
  EXPECT_THAT(load()->advice(),
              ElementsAre(AllOf(HasSubstr('"' + options.ciphers + '"'), HasSubstr("P-256"),
                                EndsWith(std::string(": \"") + TlsOptions::kSuggestedCiphers + '"'))));
  const TlsClientOptions small{.priority = "NORMAL:-GROUP-ALL:+GROUP-SECP256R1"};
  EXPECT_FALSE(serves(pki::server(), small));
  options.ciphers = TlsOptions::kSuggestedCiphers;
  EXPECT_TRUE(serves(pki::server(), small));
  EXPECT_THAT(load()->advice(), IsEmpty());
}

TEST_F(TlsCredentialsTest, AdvisesAgainstSlowGroups) {
  use(pki::rsa_server());
  options.ciphers = "NORMAL:-VERS-TLS1.3";
  ASSERT_THAT(load()->advice(), ElementsAre(HasSubstr("\":-GROUP-FFDHE6144:-GROUP-FFDHE8192\"")));
  options.ciphers += ":-GROUP-FFDHE6144:-GROUP-FFDHE8192";
  EXPECT_THAT(load()->advice(), IsEmpty());
  use(pki::server());
  options.ciphers = "NORMAL:-VERS-TLS1.3";
  EXPECT_THAT(load()->advice(), IsEmpty()) << "no suite with that key exchange fits an EC key";
}

/// OCSP responses (RFC 6960), signed by the test authority, which openssl makes.
class TlsOcspTest : public TlsCredentialsTest {
 protected:
  /// The response about a certificate, which is good; valid for a week from now.
  std::string response(const TestCertificate& certificate) {
    const std::string ca = folder.write("ca.pem", pki::authority().pem());
    const std::string key = folder.write("ca.key", pki::authority().key_pem());
    std::array<unsigned char, 8> serial{};
    std::size_t size = serial.size();
    checked(::gnutls_x509_crt_get_serial(certificate.get(), serial.data(), &size));
    std::string row = "V\t491231235959Z\t\t";
    for (std::size_t i = 0; i < size; ++i) {
      row += "0123456789ABCDEF"[serial[i] / 16];
      row += "0123456789ABCDEF"[serial[i] % 16];
    }
    run({"openssl", "ocsp", "-index", folder.write("index.txt", row + "\tunknown\t/CN=x\n"), "-CA", ca,
         "-rsigner", ca, "-rkey", key, "-issuer", ca, "-cert", folder.write("subject.pem", certificate.pem()),
         "-ndays", "7", "-respout", folder.path("response.der")});
    const TlsFile file("", folder.path("response.der"), false);
    return std::string(file.bytes());
  }
  static void run(std::vector<std::string> words) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (const int output : {1, 2})
      ::posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0);
    pid_t process = 0;
    const int error = ::posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ASSERT_EQ(error, 0) << arguments[0];
    int status = -1;
    ASSERT_EQ(::waitpid(process, &status, 0), process);
    ASSERT_EQ(status, 0) << arguments[0] << " failed";
  }
  /// The same response from ten years ago. Its signature is not good then, which no server looks at.
  static std::string outdated(std::string bytes) {
    const std::string_view time(
        "\x18\x0f"
        "20",
        4);  // GeneralizedTime
    for (std::size_t at = 0; (at = bytes.find(time, at)) != std::string::npos; at += time.size())
      bytes[at + 4] = '1';
    return bytes;
  }
};

TEST_F(TlsOcspTest, AResponseIsStapled) {
  use(pki::server());
  const std::string bytes = response(pki::server());
  options.certificates[0].ocsp = folder.write("ocsp", bytes);
  ASSERT_TRUE(serves(pki::server()));
  EXPECT_TRUE(stapled);
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_NEAR(static_cast<double>(load()->certificates()[0].ocsp_until - std::time(nullptr)), 7 * 24 * 3600.0,
              600);
  ASSERT_TRUE(serves(pki::server(), {.priority = kTls12}));
  EXPECT_TRUE(stapled);
  gnutls_datum_t pem{};
  gnutls_ocsp_resp_t parsed = nullptr;
  checked(::gnutls_ocsp_resp_init(&parsed));
  std::string copy = bytes;
  const gnutls_datum_t der{reinterpret_cast<unsigned char*>(copy.data()),
                           static_cast<unsigned int>(copy.size())};
  checked(::gnutls_ocsp_resp_import(parsed, &der));
  checked(::gnutls_ocsp_resp_export2(parsed, &pem, GNUTLS_X509_FMT_PEM));
  ::gnutls_ocsp_resp_deinit(parsed);
  folder.write("ocsp", taken(pem));
  ASSERT_TRUE(serves(pki::server())) << "PEM";
  EXPECT_TRUE(stapled);
}

TEST_F(TlsOcspTest, EachCertificateHasItsOwn) {
  options.certificates = {folder.write(pki::server(), "one"), folder.write(pki::second_server(), "two")};
  options.certificates[1].ocsp = folder.write("ocsp", response(pki::second_server()));
  EXPECT_TRUE(serves(pki::second_server(), {.server_name = "second.example"}));
  EXPECT_TRUE(stapled);
  EXPECT_TRUE(serves(pki::server(), {.server_name = "first.example"}));
  EXPECT_FALSE(stapled);
  EXPECT_TRUE(serves(pki::second_server(), {.server_name = "SECOND.example"}));
  EXPECT_TRUE(stapled);
  EXPECT_EQ(load()->certificates()[0].ocsp_until, 0);
  EXPECT_GT(load()->certificates()[1].ocsp_until, std::time(nullptr));
}

TEST_F(TlsOcspTest, AResponseAboutAnotherCertificateIsRefused) {
  use(pki::server());
  options.certificates[0].ocsp = folder.write("ocsp", response(pki::second_server()));
  EXPECT_EQ(refusal(), "tls_ocsp_file \"" + folder.path("ocsp") +
                           "\" is no response about the certificate in tls_cert_file \"" +
                           folder.path("server.pem") + "\"");
}

TEST_F(TlsOcspTest, JunkIsRefused) {
  use(pki::server());
  std::string cut = response(pki::server());
  cut.resize(cut.size() / 2);
  for (const std::string& junk :
       {std::string("junk"), cut, pki::server().pem(),
        std::string("-----BEGIN OCSP RESPONSE-----\nAAAA\n-----END OCSP RESPONSE-----\n")}) {
    options.certificates[0].ocsp = folder.write("ocsp", junk);
    EXPECT_THAT(refusal(), StartsWith("tls_ocsp_file \"" + folder.path("ocsp") + "\" is no "));
  }
}

TEST_F(TlsOcspTest, AnOldResponseIsAWarningAndIsNotStapled) {
  use(pki::server());
  const std::string file = folder.write("ocsp", outdated(response(pki::server())));
  options.certificates[0].ocsp = file;
  EXPECT_TRUE(serves(pki::server()));
  EXPECT_FALSE(stapled);
  EXPECT_EQ(load()->certificates()[0].ocsp_until, 0);
  EXPECT_THAT(warnings, ElementsAre("tls_ocsp_file \"" + file +
                                    "\" is out of date, and is not stapled: fetch a new one, then reload"));
}

}  // namespace
}  // namespace httpd::net
