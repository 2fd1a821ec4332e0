// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/startup_advice.h"

#include <gmock/gmock.h>

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ListLog final : public Log {
 public:
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

std::vector<Endpoint> endpoints(const char* ip, bool tls) {
  std::vector<Endpoint> list;
  list.push_back({net::ListenSocket::bind(ip, 0), tls});
  return list;
}

TEST(StartupAdviceTest, OnlyThisMachineNeedsNone) {
  ListLog log;
  advise_on_endpoints({}, endpoints("127.0.0.1", false), log);
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST(StartupAdviceTest, StrangersAreWarnedOf) {
  ListLog log;
  advise_on_endpoints({}, endpoints("0.0.0.0", false), log);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("without TLS and without authentication")));
}

TEST(StartupAdviceTest, ClientCertificatesAreAuthenticationOnTlsAlone) {
  Settings settings;
  settings.tls.certificate_files.push_back({"cert.pem", ""});
  settings.tls.options.verify_client = net::TlsVerifyClient::kRequire;
  ListLog log;
  advise_on_endpoints(settings, endpoints("0.0.0.0", true), log);
  EXPECT_THAT(log.lines, IsEmpty());
  advise_on_endpoints(settings, endpoints("0.0.0.0", false), log);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("no listener speaks TLS"), HasSubstr("without TLS")));
}

TEST(StartupAdviceTest, FilesOutOfReachAreNamed) {
  Settings settings;
  const std::string missing = "/nowhere/key.pem";
  settings.tls.key_files.push_back(missing);
  ListLog log;
  advise_on_unreadable_files(settings, "user 99", log);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr(missing + " cannot be read by user 99 any more")));
}

TEST(StartupAdviceTest, ALongListIsTheFirstAndANumber) {
  std::vector<Endpoint> list = endpoints("127.0.0.1", true);
  const std::string first = list.front().socket.text();
  EXPECT_EQ(urls(list, 0), "https://" + first + " and 0 more");
  for (int i = 0; i < 2; ++i)
    list.push_back({net::ListenSocket::bind("127.0.0.2", 0), false});
  const std::string all = urls(list);
  EXPECT_THAT(all, AllOf(StartsWith("https://" + first + ", http://127.0.0.2:"), EndsWith(list[2].url())));
  EXPECT_EQ(urls(list, all.size()), all);
  EXPECT_EQ(urls(list, all.size() - 1), "https://" + first + " and 2 more");
  EXPECT_EQ(addresses(list, 30), first + " and 2 more");
  EXPECT_EQ(addresses(list, 100), first + ", " + list[1].socket.text() + ", " + list[2].socket.text());
}

TEST(StartupAdviceTest, AnnouncesRootsAndUrls) {
  ListLog log;
  const auto list = endpoints("127.0.0.1", true);
  announce(list, Router(), log);
  EXPECT_THAT(log.lines, ElementsAre("listening on " + urls(list) + "; root paths: none"));
  EXPECT_THAT(urls(list), HasSubstr("https://127.0.0.1:"));
}

}  // namespace
}  // namespace httpd::server
