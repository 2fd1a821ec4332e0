// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/parameters.h"

#include <functional>
#include <gmock/gmock.h>

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
  EXPECT_EQ(settings.buf_size, 0U);
  EXPECT_EQ(settings.limits.post_buf_size, 1024U);
  EXPECT_EQ(settings.limits.receive_buf_size, 1024U);
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
      {"buf_size", 0, gib, [](const Settings& s) { return static_cast<long long>(s.buf_size); }},
      {"post_buf_size", 256, gib,
       [](const Settings& s) { return static_cast<long long>(s.limits.post_buf_size); }},
      {"receive_buf_size", 1, gib,
       [](const Settings& s) { return static_cast<long long>(s.limits.receive_buf_size); }},
      {"max_form_size", 256, gib,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_form_size); }},
      {"max_uri_size", 64, 1 << 20,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_uri_size); }},
      {"max_header_size", 256, 1 << 20,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_header_size); }},
      {"max_header_fields", 1, 10000,
       [](const Settings& s) { return static_cast<long long>(s.limits.max_header_fields); }},
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

TEST_F(ParametersTest, IpIsALiteralOrAStar) {
  for (const std::string good : {"*", "127.0.0.1", "::1", "0.0.0.0", "::"}) {
    set("ip", good);
    EXPECT_EQ(settings.ip, good);
  }
  for (const std::string bad : {"", "localhost", "[::1]", "1.2.3.4:80", "300.1.1.1"})
    EXPECT_THAT(refusal("ip", bad), ::testing::HasSubstr("\"" + bad + "\""));
}

TEST_F(ParametersTest, TlsIsRefusedAndNotIgnored) {
  for (const char* name : {"tls_cert_file", "tls_key_file", "tls_ciphers"})
    EXPECT_THAT(refusal(name, std::string("x")), ::testing::HasSubstr("TLS"));
}

}  // namespace
}  // namespace httpd::server
