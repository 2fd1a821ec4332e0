// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/parameters.h"

#include <functional>
#include <gmock/gmock.h>
#include <syslog.h>

namespace httpd::server {
namespace {

class ParametersTest : public ::testing::Test {
 protected:
  void set(std::string_view name, const ParameterValue& value) {
    for (const Parameter& parameter : httpd_parameters(settings))
      if (parameter.name == name) return parameter.set(value);
    FAIL() << name << " is no parameter";
  }
  std::string refusal(std::string_view name, const ParameterValue& value) {
    try {
      set(name, value);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return {};
  }
  Settings settings;
};

TEST_F(ParametersTest, Defaults) {
  EXPECT_EQ(settings.ip, "*");
  EXPECT_EQ(settings.port, 8888);
  EXPECT_EQ(settings.conn_timeout.count(), 30);
  EXPECT_EQ(settings.handler_timeout.count(), 60);
  EXPECT_EQ(settings.drain_delay.count(), 0);
  EXPECT_EQ(settings.drain_timeout.count(), 5);
  EXPECT_EQ(settings.upgrade_timeout.count(), 60);
  EXPECT_EQ(settings.buf_size, 0U);
  EXPECT_EQ(settings.limits.post_buf_size, 1024U);
  EXPECT_EQ(settings.limits.receive_buf_size, 1024U);
}

TEST_F(ParametersTest, TheAccessLogGoesToAFileToSyslogOrToTheJournal) {
  using Target = AccessLogSettings::Target;
  EXPECT_FALSE(settings.access_log.on());
  EXPECT_EQ(settings.access_log.format, "combined");
  set("access_log", std::string("/var/log/x"));
  EXPECT_EQ(settings.access_log.target, Target::kFile);
  EXPECT_EQ(settings.access_log.path, "/var/log/x");
  set("access_log", std::string("syslog"));
  EXPECT_EQ(settings.access_log.target, Target::kSyslog);
  EXPECT_EQ(settings.access_log.facility, LOG_LOCAL7);
  set("access_log", std::string("syslog:daemon"));
  EXPECT_EQ(settings.access_log.facility, LOG_DAEMON);
  set("access_log", std::string("journald"));
  EXPECT_EQ(settings.access_log.target, Target::kJournal);
  set("access_log", std::string("syslogs"));
  EXPECT_EQ(settings.access_log.target, Target::kFile);
  set("access_log", std::string());
  EXPECT_FALSE(settings.access_log.on());
  for (const char* const bad : {"syslog:", "syslog:kern", "syslog:local8", "syslog:LOCAL0"})
    EXPECT_THAT(refusal("access_log", std::string(bad)), ::testing::HasSubstr("is no facility of syslog"))
        << bad;
  set("access_log_format", std::string("json"));
  EXPECT_THAT(refusal("access_log_format", std::string("%h %Z")),
              ::testing::HasSubstr("character 4 of the format"));
  EXPECT_EQ(settings.access_log.format, "json");
}

TEST_F(ParametersTest, BoundsAreTakenAndWhatIsBeyondIsRefusedWithTheRange) {
  struct Row {
    const char* name;
    long long min;
    long long max;
    std::function<long long(const Settings&)> get;
  };
  const long long gib = 1LL << 30;
  const std::vector<Row> rows{
      {"port", 1, 65535, [](const Settings& s) { return s.port; }},
      {"conn_timeout", 0, 2147483647, [](const Settings& s) { return s.conn_timeout.count(); }},
      {"header_timeout", 1, 2147483647, [](const Settings& s) { return s.header_timeout.count(); }},
      {"body_timeout", 1, 2147483647, [](const Settings& s) { return s.body_timeout.count(); }},
      {"send_timeout", 1, 2147483647, [](const Settings& s) { return s.send_timeout.count(); }},
      {"handler_timeout", 0, 2147483647, [](const Settings& s) { return s.handler_timeout.count(); }},
      {"drain_delay", 0, 86400, [](const Settings& s) { return s.drain_delay.count(); }},
      {"drain_timeout", 0, 86400, [](const Settings& s) { return s.drain_timeout.count(); }},
      {"upgrade_timeout", 0, 86400, [](const Settings& s) { return s.upgrade_timeout.count(); }},
      {"buf_size", 0, gib, [](const Settings& s) { return static_cast<long long>(s.buf_size); }},
      {"post_buf_size", 256, gib,
       [](const Settings& s) { return static_cast<long long>(s.limits.post_buf_size); }},
      {"receive_buf_size", 1, gib,
       [](const Settings& s) { return static_cast<long long>(s.limits.receive_buf_size); }},
      {"max_form_size", 256, gib,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_form_size); }},
      {"compress_min_size", 0, gib,
       [](const Settings& s) { return static_cast<long long>(s.compression.min_size); }},
      {"compress_level", 1, 6, [](const Settings& s) { return s.compression.level; }},
      {"max_compressed_streams", 0, 10'000,
       [](const Settings& s) { return static_cast<long long>(s.compression.max_streams); }},
      {"max_uri_size", 64, 1 << 20,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_uri_size); }},
      {"max_header_size", 256, 1 << 20,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_header_size); }},
      {"max_header_fields", 1, 10000,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_header_fields); }},
      {"max_trailer_size", 0, 1 << 20,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_trailer_size); }},
      {"max_trailer_fields", 0, 10000,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_trailer_fields); }},
      {"max_form_fields", 1, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_form_fields); }},
      {"max_chunk_extension_size", 0, 1 << 20,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_chunk_extension_size); }},
      {"min_body_rate", 0, gib, [](const Settings& s) { return static_cast<long long>(s.min_body_rate); }},
      {"min_send_rate", 0, gib, [](const Settings& s) { return static_cast<long long>(s.min_send_rate); }},
      {"max_connections", 0, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.max_connections); }},
      {"max_client_connections", 0, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.max_client_connections); }},
      {"max_connection_requests", 0, gib,
       [](const Settings& s) { return static_cast<long long>(s.max_connection_requests); }},
      {"max_pipelined_requests", 1, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.max_pipelined_requests); }},
      {"max_request_rate", 0, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.max_request_rate); }},
      {"max_request_burst", 0, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.max_request_burst); }},
      {"max_auth_failures", 0, 1'000'000,
       [](const Settings& s) { return static_cast<long long>(s.access.max_auth_failures); }},
      {"auth_failure_delay", 1, 3600, [](const Settings& s) { return s.access.auth_failure_delay.count(); }},
      {"tls_handshake_timeout", 1, 2147483647,
       [](const Settings& s) { return s.tls_handshake_timeout.count(); }},
      {"tls_ticket_lifetime", 0, 604800,
       [](const Settings& s) { return s.tls.options.ticket_lifetime.count(); }},
      {"request_id", 0, 1, [](const Settings& s) { return s.access_log.request_id ? 1 : 0; }},
      {"tls_key_permissions_check", 0, 1,
       [](const Settings& s) { return s.tls.options.key_permissions_check ? 1 : 0; }},
  };
  for (const Row& row : rows) {
    for (const long long good : {row.min, row.max}) {
      set(row.name, good);
      EXPECT_EQ(row.get(settings), good) << row.name;
    }
    for (const long long bad : {row.min - 1, row.max + 1, -5LL}) {
      const std::string text = refusal(row.name, bad);
      EXPECT_THAT(text, ::testing::HasSubstr(std::to_string(bad))) << row.name;
      EXPECT_THAT(text, ::testing::HasSubstr(std::to_string(row.min))) << row.name;
      EXPECT_THAT(text, ::testing::HasSubstr(std::to_string(row.max))) << row.name;
      EXPECT_EQ(row.get(settings), row.max) << "unchanged: " << row.name;
    }
  }
}

TEST_F(ParametersTest, WhoMayComeInIsALineAListAndAName) {
  set("access", "root=mi; auth=off");
  set("access", "deny=10.0.0.0/8");
  ASSERT_EQ(settings.access.rules.size(), 2U);
  EXPECT_EQ(settings.access.rules[0].root, "mi");
  set("allowed_hosts", "a.example");
  set("allowed_hosts", "b.example:80");
  EXPECT_TRUE(settings.access.allowed_hosts.contain("a.example"));
  EXPECT_TRUE(settings.access.allowed_hosts.contain("b.example:80"));
  set("trusted_proxies", "127.0.0.1, unix");
  EXPECT_TRUE(settings.access.forwarding.trusted_proxies.contains(*net::Address::parse("127.0.0.1", 1)));
  set("forwarded_header", "Forwarded");
  EXPECT_EQ(settings.access.forwarding.field, ForwardedField::kForwarded);
  set("auth_file", "/etc/users");
  set("auth_token_file", "/etc/tokens");
  EXPECT_THAT(files_of(settings.access.auth), ::testing::ElementsAre("/etc/users", "/etc/tokens"));
  EXPECT_EQ(refusal("access", "root=mi"), "") << "it says nothing, and does no harm";
  EXPECT_THAT(refusal("access", "x"), ::testing::HasSubstr("has no value"));
  EXPECT_THAT(refusal("allowed_hosts", "http://a"), ::testing::HasSubstr("no host"));
  EXPECT_THAT(refusal("trusted_proxies", "localhost"), ::testing::HasSubstr("is neither an address"));
  EXPECT_THAT(refusal("forwarded_header", "Via"), ::testing::HasSubstr("\"Via\" is not"));
  EXPECT_THAT(refusal("auth_file", ""), ::testing::HasSubstr("names no file"));
}

TEST_F(ParametersTest, AdministratorsAreAddressesAndNetworks) {
  set("admin_addresses", "192.0.2.1 , 2001:db8::/32");
  set("admin_addresses", "10.0.0.0/8");
  for (const char* const ip : {"192.0.2.1", "2001:db8::5", "10.1.2.3"})
    EXPECT_TRUE(settings.admin_addresses.contains(*net::Address::parse(ip, 1))) << ip;
  EXPECT_FALSE(settings.admin_addresses.contains(*net::Address::parse("192.0.2.2", 1)));
  EXPECT_THAT(refusal("admin_addresses", "10.0.0.0/8,,"), ::testing::HasSubstr("\"\" is neither"));
  EXPECT_THAT(refusal("admin_addresses", "10.0.0.1/8"), ::testing::HasSubstr("10.0.0.1/8"));
}

TEST_F(ParametersTest, IpIsALiteralOrAStar) {
  for (const std::string good : {"*", "127.0.0.1", "::1", "0.0.0.0", "::"}) {
    set("ip", good);
    EXPECT_EQ(settings.ip, good);
  }
  EXPECT_TRUE(settings.address_given);
  for (const std::string bad : {"", "localhost", "[::1]", "1.2.3.4:80", "300.1.1.1"})
    EXPECT_THAT(refusal("ip", bad), ::testing::HasSubstr("\"" + bad + "\""));
}

TEST_F(ParametersTest, ListenRepeats) {
  set("listen", std::string("http://127.0.0.1:8080"));
  set("listen", std::string("unix:/run/httpd/httpd.sock"));
  ASSERT_EQ(settings.listen.size(), 2U);
  EXPECT_EQ(settings.listen[1].path, "/run/httpd/httpd.sock");
  EXPECT_FALSE(settings.address_given) << "ip and port were not";
  EXPECT_THAT(refusal("listen", std::string("localhost:80")), ::testing::HasSubstr("\"localhost:80\""));
  EXPECT_EQ(settings.listen.size(), 2U);
}

TEST_F(ParametersTest, ThePortAloneIsAnAddress) {
  set("port", 8080LL);
  EXPECT_TRUE(settings.address_given);
}

TEST_F(ParametersTest, TlsIsOffUntilThereAreFiles) {
  EXPECT_FALSE(settings.tls.configured());
  EXPECT_EQ(settings.tls.options.ciphers, "SECURE256:+SECURE192:-VERS-ALL:+VERS-TLS1.2");
  EXPECT_EQ(settings.tls.options.verify_client, net::TlsVerifyClient::kNone);
  EXPECT_TRUE(settings.tls.options.key_permissions_check);
  EXPECT_EQ(settings.tls.options.ticket_lifetime.count(), 7200);
  EXPECT_EQ(settings.tls.options.ticket_key_file, "");
  EXPECT_EQ(settings.tls_handshake_timeout.count(), 10);
  set("tls_key_file", std::string("k"));
  EXPECT_TRUE(settings.tls.configured());
}

TEST_F(ParametersTest, CertificatesRepeatWithWhatBelongsToThem) {
  set("tls_cert_file", std::string("c1"));
  set("tls_ocsp_file", std::string("o1"));
  set("tls_key_file", std::string("k1"));
  set("tls_cert_file", std::string("c2"));
  set("tls_key_file", std::string("k2"));
  set("tls_cert_file", std::string("c3"));
  set("tls_ocsp_file", std::string("o3"));
  ASSERT_EQ(settings.tls.certificate_files.size(), 3U);
  EXPECT_EQ(settings.tls.certificate_files[0].path, "c1");
  EXPECT_EQ(settings.tls.certificate_files[0].ocsp, "o1");
  EXPECT_EQ(settings.tls.certificate_files[1].ocsp, "");
  EXPECT_EQ(settings.tls.certificate_files[2].ocsp, "o3");
  EXPECT_THAT(settings.tls.key_files, ::testing::ElementsAre("k1", "k2"));
}

TEST_F(ParametersTest, AnOcspResponseFollowsItsCertificate) {
  EXPECT_THAT(refusal("tls_ocsp_file", std::string("o")),
              ::testing::HasSubstr("\"o\" follows no tls_cert_file"));
  set("tls_cert_file", std::string("c"));
  set("tls_ocsp_file", std::string("o"));
  EXPECT_THAT(refusal("tls_ocsp_file", std::string("o2")),
              ::testing::HasSubstr("\"o2\" follows no tls_cert_file"));
}

TEST_F(ParametersTest, FilesHaveNames) {
  set("tls_cert_file", std::string("c"));
  for (const char* const name :
       {"tls_cert_file", "tls_key_file", "tls_ocsp_file", "tls_ca_file", "tls_ticket_key_file"})
    EXPECT_THAT(refusal(name, std::string()), ::testing::HasSubstr("names no file")) << name;
}

TEST_F(ParametersTest, OneFileHasTheKeyOfSessionTickets) {
  set("tls_ticket_key_file", std::string("t1"));
  set("tls_ticket_key_file", std::string("t2"));
  EXPECT_EQ(settings.tls.options.ticket_key_file, "t2");
}

TEST_F(ParametersTest, ClientsAreVerifiedInOneOfThreeWays) {
  set("tls_verify_client", std::string("optional"));
  EXPECT_EQ(settings.tls.options.verify_client, net::TlsVerifyClient::kOptional);
  set("tls_verify_client", std::string("require"));
  EXPECT_EQ(settings.tls.options.verify_client, net::TlsVerifyClient::kRequire);
  set("tls_verify_client", std::string("none"));
  EXPECT_EQ(settings.tls.options.verify_client, net::TlsVerifyClient::kNone);
  for (const std::string bad : {"", "Require", "required", "1", "require "})
    EXPECT_THAT(refusal("tls_verify_client", bad), ::testing::HasSubstr("\"" + bad + "\" is not \"none\""))
        << bad;
  set("tls_ca_file", std::string("ca"));
  EXPECT_EQ(settings.tls.options.ca_file, "ca");
  set("tls_ciphers", std::string("NORMAL"));
  EXPECT_EQ(settings.tls.options.ciphers, "NORMAL");
}

}  // namespace
}  // namespace httpd::server
