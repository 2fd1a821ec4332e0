// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/log_format.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using Kind = LogItem::Kind;

std::string refusal(std::string_view format) {
  try {
    static_cast<void>(LogFormat::parse(format));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(LogFormat, EveryDirectiveIsAnItem) {
  const LogFormat format = LogFormat::parse(
      "%h%a%{c}a%u%t%{iso}t%r%m%U%q%H%s%>s%b%B%R%I%D%T%{s}T%{us}T%X%{A-b}i%{C}o%{SSL_PROTOCOL}x%{SSL_CIPHER}x"
      "%{SSL_TLS_SNI}x%{SSL_CLIENT_S_DN}x");
  std::vector<Kind> kinds;
  for (const LogItem& item : format.items())
    kinds.push_back(item.kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{
                       Kind::kClient,     Kind::kClient,      Kind::kPeer,          Kind::kUser,
                       Kind::kTime,       Kind::kIsoTime,     Kind::kRequestLine,   Kind::kMethod,
                       Kind::kPath,       Kind::kQuery,       Kind::kVersion,       Kind::kStatus,
                       Kind::kStatus,     Kind::kBytesOrDash, Kind::kBytes,         Kind::kRoot,
                       Kind::kRequestId,  Kind::kHandlerTime, Kind::kTotalSeconds,  Kind::kTotalSeconds,
                       Kind::kTotalTime,  Kind::kEndSign,     Kind::kRequestField,  Kind::kReplyField,
                       Kind::kTlsVersion, Kind::kTlsCipher,   Kind::kTlsServerName, Kind::kTlsSubject}));
  EXPECT_EQ(format.items()[22].text, "A-b");
  EXPECT_EQ(format.items()[23].text, "C");
}

TEST(LogFormat, TextBetweenDirectivesIsJoined) {
  const LogFormat format = LogFormat::parse("a%%b %l\tc%sd");
  ASSERT_EQ(format.items().size(), 3U);
  EXPECT_EQ(format.items()[0].text, "a%b -\tc");
  EXPECT_EQ(format.items()[2].text, "d");
}

TEST(LogFormat, FaultsAreNamedWithTheirPosition) {
  EXPECT_THAT(refusal("%h %Z"), HasSubstr("character 4 of the format: there is no directive \"%Z\""));
  EXPECT_THAT(refusal("%"), HasSubstr("character 1 of the format: the end comes in a directive"));
  EXPECT_THAT(refusal("ab%>"), HasSubstr("character 3 of the format: %> is for %>s alone"));
  EXPECT_THAT(refusal("%>b"), HasSubstr("%> is for %>s alone"));
  EXPECT_THAT(refusal("%{A"), HasSubstr("character 1 of the format: a '{' without its '}'"));
  EXPECT_THAT(refusal("%{A}"), HasSubstr("the end comes in a directive"));
  EXPECT_THAT(refusal("%{}i"), HasSubstr("is no name of a header field"));
  EXPECT_THAT(refusal("%{a\x01}i"), HasSubstr("\"a\\x01\" is no name of a header field"));
  EXPECT_THAT(refusal("%{x}Z"), HasSubstr("there is no directive \"%{x}Z\""));
  EXPECT_THAT(refusal("%{c}T"), HasSubstr("there is no directive"));
  EXPECT_THAT(refusal("a\nb"), HasSubstr("character 2 of the format: a control character"));
  EXPECT_THAT(refusal("\x1f"), HasSubstr("a control character"));
  EXPECT_THAT(refusal("%\xff"), HasSubstr("\"%\\xff\""));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_EQ(refusal(std::string(LogFormat::kMaxSize, 'x')), "");
  EXPECT_THAT(refusal(std::string(LogFormat::kMaxSize + 1, 'x')), HasSubstr("longer than 2048"));
}

TEST(LogFormat, FieldsWithCredentialsAreRefused) {
  for (const char* const format :
       {"%{Authorization}i", "%{aUTHORIZATION}i", "%{Proxy-Authorization}i", "%{Cookie}i", "%{Set-Cookie}o"})
    EXPECT_THAT(refusal(format), HasSubstr("carries credentials")) << format;
}

TEST(LogFormat, TheJournalGetsTheLineAndFields) {
  const LogFormat format = LogFormat::for_journal("x%s");
  EXPECT_EQ(format.items()[0].text, "MESSAGE=x");
  EXPECT_EQ(format.fields_begin(), 2U);
  EXPECT_EQ(format.items()[2].text, "\x1fHTTPD_CLIENT=");
  EXPECT_EQ(LogFormat::for_journal("%s").items()[0].text, "MESSAGE=");
}

}  // namespace
}  // namespace httpd::server
