// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/log_line.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <random>

namespace httpd::server {
namespace {

using std::chrono::microseconds;

LogFacts facts() {
  LogFacts facts;
  facts.client = *net::Address::parse("192.0.2.255", 1);
  facts.peer = *net::Address::parse("2001:db8::1", 2);
  facts.time = std::chrono::system_clock::time_point(std::chrono::seconds(1'764'207'685) + microseconds(7));
  facts.user = "alice";
  facts.request_line = "GET /a?b HTTP/1.1";
  facts.method = "GET";
  facts.path = "/a";
  facts.query = "b";
  facts.version = "HTTP/1.1";
  facts.root = "a";
  facts.request_id = "id-1";
  facts.status = 200;
  facts.content_type = "text/plain";
  facts.reply_fields = "X-One: 1\r\nX-Onetwo:2\r\n";
  facts.handler_time = microseconds(1234);
  return facts;
}

constexpr LogOutcome kOutcome{5, microseconds(2'000'345), LogOutcome::End::kKept};

std::string line(const LogFormat& format, const LogFacts& of, const LogOutcome& outcome = kOutcome) {
  LogClock clock;
  std::string begun;
  begin_log_line(format, of, clock, begun);
  std::string text = "before ";
  finish_log_line(begun, outcome, text);
  EXPECT_EQ(text.substr(0, 7), "before ");
  return text.substr(7);
}

std::string line(std::string_view format, const LogFacts& of = facts(),
                 const LogOutcome& outcome = kOutcome) {
  return line(LogFormat::parse(format), of, outcome);
}

TEST(LogLine, AllDirectives) {
  ::setenv("TZ", "UTC-1", 1);
  ::tzset();
  EXPECT_EQ(line("%h %{c}a %u %r|%m %U%q %H %s %b %B %R %I %D %T %{us}T %X"),
            "192.0.2.255 2001:db8::1 alice GET /a?b HTTP/1.1|GET /a?b HTTP/1.1 200 5 5 a id-1 1234 2.000345 "
            "2000345 +\n");
  EXPECT_EQ(line("%t %{iso}t"), "[27/Nov/2025:02:41:25 +0100] 2025-11-27T01:41:25.000007Z\n");
  EXPECT_EQ(line("%{x-one}o %{X-Onetwo}o %{X-On}o %{Content-Type}o %{X-Request-ID}o"),
            "1 2 - text/plain id-1\n");
}

TEST(LogLine, WhatIsNotThere) {
  LogFacts nothing;
  EXPECT_EQ(line("%h %{c}a %u %r %m %U%q %H %s %b %B %R %I %D %X %{A}i %{SSL_CIPHER}x", nothing,
                 {0, microseconds(-5), LogOutcome::End::kCut}),
            "- - - - - - - - - 0 - - - X - -\n");
  const nlohmann::json entry =
      nlohmann::json::parse(line("json", nothing, {0, microseconds(-5), LogOutcome::End::kCut}));
  for (const char* const name :
       {"client", "peer", "user", "request", "method", "path", "status", "referer", "user_agent", "root",
        "request_id", "handler_us", "tls_version", "tls_client"})
    EXPECT_TRUE(entry.at(name).is_null()) << name;
  EXPECT_EQ(entry.at("total_us"), 0);
  EXPECT_EQ(entry.at("connection"), "cut");
}

TEST(LogLine, Ends) {
  EXPECT_EQ(line("%X", facts(), {0, {}, LogOutcome::End::kClosed}), "-\n");
  EXPECT_EQ(nlohmann::json::parse(line("json", facts(), {0, {}, LogOutcome::End::kClosed})).at("connection"),
            "closed");
}

TEST(LogLine, TlsSessions) {
  TlsSession tls;
  tls.version = "TLS1.3";
  tls.cipher_suite = "SUITE";
  tls.server_name = "name";
  tls.client_subject = "CN=\"x\"";
  LogFacts with = facts();
  with.tls = &tls;
  EXPECT_EQ(line("%{SSL_PROTOCOL}x %{SSL_CIPHER}x %{SSL_TLS_SNI}x %{SSL_CLIENT_S_DN}x", with),
            "TLS1.3 SUITE name CN=\\\"x\\\"\n");
}

TEST(LogLine, ClientsInTheUnixDomainHaveNoAddress) {
  LogFacts local;
  sockaddr_storage address{};
  address.ss_family = AF_UNIX;
  local.client = net::Address(reinterpret_cast<const sockaddr&>(address), sizeof(sa_family_t));
  EXPECT_EQ(line("%h", local), "unix\n");
}

/// Whatever bytes a client sends, and however many: it stays one line, and JSON stays JSON.
TEST(LogLine, HostileBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    std::string bytes(random() % 20'000, '\0');
    const bool any = round % 3 != 0;
    for (char& byte : bytes)
      byte = any ? static_cast<char>(random()) : "\x01\xff\n\"\\\x1f"[random() % 6];
    const http::FieldLine lines[]{{http::FieldId::kOther, "User-Agent", bytes},
                                  {http::FieldId::kOther, "Referer", bytes}};
    LogFacts hostile = facts();
    hostile.user = hostile.request_line = hostile.method = hostile.path = hostile.query = hostile.version =
        hostile.root = hostile.request_id = hostile.content_type = bytes;
    hostile.fields = lines;
    const std::string json = line("json", hostile);
    EXPECT_TRUE(nlohmann::json::accept(json));
    std::string all;
    for (int i = 0; i < 80; ++i)
      all += "%r%U%q%u%{Referer}i%t";
    for (const std::string& text :
         {json, line("combined", hostile), line(all, hostile), line(LogFormat::for_journal(all), hostile)}) {
      EXPECT_LE(text.size(), kMaxLogLine);
      EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
      EXPECT_EQ(text.back(), '\n');
    }
    EXPECT_EQ(line("%r", hostile)
                  .find_first_not_of(
                      " !\"#$%&'()*+,-./"
                      "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\n"),
              std::string::npos);
  }
}

TEST(LogLine, TheLongestFormatMakesNoLongerLineThanAMessage) {
  std::string format;
  while (format.size() + 2 <= LogFormat::kMaxSize)
    format += "%t";
  EXPECT_LE(line(LogFormat::for_journal(format), facts()).size(), kMaxLogLine);
  format.replace(0, 2, "%r");
  LogFacts long_line = facts();
  const std::string text(1 << 20, 'x');
  long_line.request_line = long_line.path = long_line.user = text;
  for (std::size_t at = 0; at < 40; at += 2)
    format.replace(at, 2, "%r");
  EXPECT_LE(line(LogFormat::for_journal(format), long_line).size(), kMaxLogLine);
}

TEST(LogClock, TextsFollowTheSecond) {
  LogClock clock;
  EXPECT_EQ(clock.iso(0), "1970-01-01T00:00:00");
  EXPECT_EQ(clock.iso(1), "1970-01-01T00:00:01");
  EXPECT_EQ(clock.iso(0), "1970-01-01T00:00:00");
}

}  // namespace
}  // namespace httpd::server
