// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_priority.h"

#include <gmock/gmock.h>
#include <string>

#include "net/tls_error.h"
#include "net/tls_options.h"

namespace httpd::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::string& text) {
  try {
    const TlsPriority priority(text);
  } catch (const TlsError& error) {
    return error.what();
  }
  return {};
}

TEST(TlsPriority, TakesWhatGnuTlsTakes) {
  for (const std::string good :
       {TlsOptions::kDefaultCiphers, TlsOptions::kSuggestedCiphers, "NORMAL", "PERFORMANCE", "PFS", "LEGACY",
        "SECURE128", "SECURE256", "SUITEB128", "SUITEB192", "NORMAL:%SERVER_PRECEDENCE",
        "NORMAL:+VERS-TLS1.0", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:+PSK", "NORMAL:+NULL:-NULL",
        "NORMAL:+ANON-ECDH:-ANON-ECDH",
        "NONE:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+ECDHE-RSA:+GROUP-ALL:+SIGN-ALL"}) {
    EXPECT_EQ(refusal(good), "");
    const TlsPriority priority(good);
    EXPECT_EQ(priority.text(), good);
    EXPECT_NE(priority.get(), nullptr);
  }
}

TEST(TlsPriority, NamesThePlaceOfAMistake) {
  const std::string text = refusal("NORMAL:+AES-128-GCM:+FOO:-VERS-TLS1.0");
  EXPECT_THAT(text,
              StartsWith("tls_ciphers \"NORMAL:+AES-128-GCM:+FOO:-VERS-TLS1.0\" is no GnuTLS priority"));
  EXPECT_THAT(text, HasSubstr("at character 21 (\"+FOO:-VERS-TLS1.0\")"));
  EXPECT_THAT(text, HasSubstr("gnutls-cli -l --priority"));
  EXPECT_THAT(refusal("SENSIBLE"), HasSubstr("at character 1 (\"SENSIBLE\")"));
  EXPECT_THAT(refusal("NORMAL:FOO"), HasSubstr("at character 8 (\"FOO\")"));
  EXPECT_THAT(refusal("NORMAL:%FOO"), HasSubstr("at character 8 (\"%FOO\")"));
  EXPECT_THAT(refusal(":NORMAL"), HasSubstr("at character 1 (\":NORMAL\")"));
  EXPECT_THAT(refusal("NORMAL NORMAL"), HasSubstr("at character 1 (\"NORMAL NORMAL\")"));
  EXPECT_THAT(refusal("NORMAL:"), HasSubstr("at character 8 (the end)"));
  EXPECT_THAT(refusal(""), HasSubstr("at character 1 (the end)"));
}

TEST(TlsPriority, ANameOfTheSystemThatIsNotThereIsAMistakeWithAPlace) {
  EXPECT_THAT(refusal("@NO-SUCH-NAME-HERE"), HasSubstr("at character 1 (\"@NO-SUCH-NAME-HERE\")"));
  EXPECT_THAT(refusal("@NO-SUCH-NAME-HERE:-VERS-TLS1.2"), HasSubstr("at character 1 ("));
}

TEST(TlsPriority, RefusesToGoWithoutEncryption) {
  for (const std::string bad : {"NORMAL:+NULL", "NONE:+VERS-TLS1.2:+NULL:+MAC-ALL:+RSA:+SIGN-ALL"})
    EXPECT_THAT(refusal(bad), AllOf(HasSubstr('"' + bad + '"'), HasSubstr("without encryption"))) << bad;
}

TEST(TlsPriority, RefusesServersThatProveNothing) {
  for (const std::string bad : {"NORMAL:+ANON-ECDH", "NORMAL:+ANON-DH", "SECURE256:+ANON-ECDH:+ANON-DH",
                                "NONE:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+ANON-ECDH:+GROUP-ALL:+SIGN-ALL"})
    EXPECT_THAT(refusal(bad), AllOf(HasSubstr('"' + bad + '"'), HasSubstr("anonymous key exchange"))) << bad;
}

TEST(TlsPriority, RefusesToLeaveNothing) {
  EXPECT_THAT(refusal("NONE"), HasSubstr("tls_ciphers \"NONE\" "));
  EXPECT_THAT(refusal("NORMAL:-VERS-ALL"), HasSubstr("tls_ciphers \"NORMAL:-VERS-ALL\" "));
  EXPECT_THAT(refusal("NORMAL:-CIPHER-ALL"), HasSubstr("tls_ciphers \"NORMAL:-CIPHER-ALL\" "));
  EXPECT_THAT(refusal("NORMAL:-VERS-TLS1.3:-KX-ALL"), HasSubstr("leaves no cipher suite"));
  EXPECT_EQ(refusal("NORMAL:-KX-ALL"), "") << "TLS 1.3 has no key exchange of that kind";
}

TEST(TlsPriority, VersionsForDatagramsAreNoVersions) {
  EXPECT_THAT(refusal("NORMAL:-VERS-TLS-ALL"), HasSubstr("leaves no version of TLS"));
  EXPECT_THAT(refusal("NORMAL:-VERS-ALL:+VERS-DTLS-ALL"), HasSubstr("leaves no version of TLS"));
  EXPECT_EQ(refusal("NORMAL:-VERS-ALL:+VERS-DTLS1.2:+VERS-TLS1.2"), "");
}

TEST(TlsPriority, KnowsWhetherP256IsOnOffer) {
  EXPECT_FALSE(TlsPriority(TlsOptions::kDefaultCiphers).offers_p256());
  EXPECT_FALSE(TlsPriority("SUITEB192").offers_p256());
  EXPECT_FALSE(TlsPriority("NORMAL:-GROUP-SECP256R1").offers_p256());
  EXPECT_TRUE(TlsPriority(TlsOptions::kSuggestedCiphers).offers_p256());
  EXPECT_TRUE(TlsPriority("NORMAL").offers_p256());
  EXPECT_TRUE(TlsPriority("SUITEB128").offers_p256());
  EXPECT_TRUE(TlsPriority(std::string(TlsOptions::kDefaultCiphers) + ":+GROUP-SECP256R1").offers_p256());
}

TEST(TlsPriority, TakesOutTheSlowGroupsThatAClientCanUse) {
  const std::string both = ":-GROUP-FFDHE6144:-GROUP-FFDHE8192";
  EXPECT_EQ(TlsPriority("NORMAL").without_slow_groups(false), both) << "TLS 1.3 needs no RSA key for them";
  EXPECT_EQ(TlsPriority("NORMAL:-VERS-TLS1.3").without_slow_groups(true), both);
  EXPECT_EQ(TlsPriority("NORMAL:-VERS-TLS1.3").without_slow_groups(false), "");
  EXPECT_EQ(TlsPriority("NORMAL:-VERS-TLS1.3:-DHE-RSA").without_slow_groups(true), "");
  EXPECT_EQ(TlsPriority("NORMAL:-GROUP-FFDHE8192").without_slow_groups(true), ":-GROUP-FFDHE6144");
  EXPECT_EQ(TlsPriority("NORMAL" + both).without_slow_groups(true), "") << "it does what it says";
  EXPECT_EQ(TlsPriority(TlsOptions::kSuggestedCiphers).without_slow_groups(true), "");
}

}  // namespace
}  // namespace httpd::net
