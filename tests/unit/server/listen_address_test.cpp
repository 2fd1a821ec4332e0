// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/listen_address.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

#include "net/unix_socket.h"

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(std::string_view text) {
  try {
    ListenAddress::parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(ListenAddress, ReadsTcpAddresses) {
  struct Row {
    std::string_view text;
    bool tls;
    std::string_view ip;
    std::uint16_t port;
    std::string_view canonical;
  };
  for (const Row& row : {
           Row{"http://127.0.0.1:8080", false, "127.0.0.1", 8080, "http://127.0.0.1:8080"},
           Row{"https://[::1]:8443", true, "::1", 8443, "https://[::1]:8443"},
           Row{"http://*:8888", false, "*", 8888, "http://*:8888"},
           Row{"http://*", false, "*", 80, "http://*:80"},
           Row{"https://0.0.0.0", true, "0.0.0.0", 443, "https://0.0.0.0:443"},
           Row{"https://[::]", true, "::", 443, "https://[::]:443"},
           Row{"http://[fe80::1%lo]:1", false, "fe80::1%lo", 1, "http://[fe80::1%lo]:1"},
           Row{"http://127.0.0.1:65535", false, "127.0.0.1", 65535, "http://127.0.0.1:65535"},
           Row{"http://127.0.0.1:080", false, "127.0.0.1", 80, "http://127.0.0.1:80"},
       }) {
    const ListenAddress address = ListenAddress::parse(row.text);
    EXPECT_EQ(address.tls, row.tls) << row.text;
    EXPECT_EQ(address.ip, row.ip) << row.text;
    EXPECT_EQ(address.port, row.port) << row.text;
    EXPECT_EQ(address.text(), row.canonical);
    EXPECT_FALSE(address.is_unix());
    EXPECT_EQ(address.name, "");
  }
}

TEST(ListenAddress, ReadsPathsWithTheirOptions) {
  const ListenAddress plain = ListenAddress::parse("unix:/run/httpd/httpd.sock");
  EXPECT_TRUE(plain.is_unix());
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.path, "/run/httpd/httpd.sock");
  EXPECT_EQ(plain.mode, 0660U);
  EXPECT_EQ(plain.text(), "unix:/run/httpd/httpd.sock");
  const ListenAddress full = ListenAddress::parse("unix:/a b:c?name=web&mode=0600&group=opensips&user=1000");
  EXPECT_EQ(full.path, "/a b:c");
  EXPECT_EQ(full.mode, 0600U);
  EXPECT_EQ(full.user, "1000");
  EXPECT_EQ(full.group, "opensips");
  EXPECT_EQ(full.name, "web");
  EXPECT_EQ(full.text(), "unix:/a b:c");
  EXPECT_EQ(ListenAddress::parse("unix:/a?mode=0").mode, 0U);
  EXPECT_EQ(ListenAddress::parse("unix:/a?mode=777").mode, 0777U);
}

TEST(ListenAddress, ReadsTheNameOfASystemdSocket) {
  EXPECT_EQ(ListenAddress::parse("http://*?name=web").name, "web");
  EXPECT_EQ(ListenAddress::parse("https://[::1]:8443?name=httpd-tls.socket").name, "httpd-tls.socket");
  EXPECT_EQ(ListenAddress::parse("http://*?name=" + std::string(255, 'n')).name.size(), 255U);
}

TEST(ListenAddress, AUnixPathHasALimit) {
  const std::string longest = "unix:/" + std::string(net::kMaxUnixPath - 1, 'x');
  EXPECT_EQ(ListenAddress::parse(longest).path.size(), net::kMaxUnixPath);
  EXPECT_THAT(refusal(longest + "x"), HasSubstr("has a path of " + std::to_string(net::kMaxUnixPath + 1)));
}

TEST(ListenAddress, RefusesEverythingElseWithAGoodExample) {
  struct Row {
    std::string_view text;
    std::string_view why;
    std::string_view example = "\"http://127.0.0.1:8080\"";
  };
  constexpr std::string_view kUnix = "\"unix:/run/httpd/httpd.sock?mode=660&group=opensips\"";
  constexpr std::string_view kTls = "\"https://[::1]:8443\"";
  constexpr std::string_view kNamed = "\"http://*:8888?name=web\"";
  for (const Row& row : {
           Row{"", "begins with none"},
           Row{"127.0.0.1:8080", "begins with none"},
           Row{"tcp://127.0.0.1:8080", "begins with none"},
           Row{"HTTP://127.0.0.1", "begins with none"},
           Row{" http://127.0.0.1", "begins with none"},
           Row{"http:/127.0.0.1", "begins with none"},
           Row{"http://", "no IP address"},
           Row{"http://:8080", "no IP address"},
           Row{"http://localhost:8080", "write 127.0.0.1 or [::1]"},
           Row{"https://example.org", "write 127.0.0.1 or [::1]", kTls},
           Row{"http://127.0.0.1 :80", "no IP address"},
           Row{"http://127.1:80", "no IP address"},
           Row{"http://**", "no IP address"},
           Row{"http://::1", "without brackets"},
           Row{"http://::1:8080", "without brackets"},
           Row{"http://[::1", "without its ']'"},
           Row{"http://[]:80", "no IPv6 address between"},
           Row{"http://[127.0.0.1]:80", "no IPv6 address between"},
           Row{"http://[*]:80", "no IPv6 address between"},
           Row{"http://[fe80::1]:80", "[fe80::1%eth0]"},
           Row{"http://[fe80::1%nosuch]:80", "[fe80::1%eth0]"},
           Row{"http://[::1]8080", "no port from 1 to 65535"},
           Row{"http://[::1]x:80", "no port from 1 to 65535"},
           Row{"http://127.0.0.1:", "no port from 1 to 65535"},
           Row{"http://127.0.0.1:0", "no port from 1 to 65535"},
           Row{"http://127.0.0.1:65536", "no port from 1 to 65535"},
           Row{"http://127.0.0.1:-1", "no port from 1 to 65535"},
           Row{"http://127.0.0.1:+80", "no port from 1 to 65535"},
           Row{"http://127.0.0.1:80x", "no port from 1 to 65535"},
           Row{"https://*:99999999999", "no port from 1 to 65535", kTls},
           Row{"http://127.0.0.1:8080/", "has a path"},
           Row{"http://127.0.0.1/mi", "has a path"},
           Row{"http://user@127.0.0.1", "has a user name"},
           Row{"http://user:password@[::1]:80", "has a user name"},
           Row{"http://127.0.0.1#x", "no IP address"},
           Row{"http://127.0.0.1?", "unknown option \"\"", kNamed},
           Row{"http://127.0.0.1?mode=660", "unknown option \"mode\"; there are name and proxy_protocol",
               kNamed},
           Row{"http://127.0.0.1?name=", "no name of a systemd socket", kNamed},
           Row{"http://127.0.0.1?name", "no name of a systemd socket", kNamed},
           Row{"http://127.0.0.1?name=a:b", "no name of a systemd socket", kNamed},
           Row{"http://127.0.0.1?name=a b", "no name of a systemd socket", kNamed},
           Row{"http://127.0.0.1?name=a&name=a", "the option name twice", kNamed},
           Row{"http://127.0.0.1?name=a&", "unknown option \"\"", kNamed},
           Row{"http://127.0.0.1?proxy_protocol=v2", "neither on nor off in its option proxy_protocol",
               kNamed},
           Row{"unix:", "no absolute path", kUnix},
           Row{"unix:run/httpd.sock", "no absolute path", kUnix},
           Row{"unix:?mode=660", "no absolute path", kUnix},
           Row{"unix:/run/httpd/", "no absolute path", kUnix},
           Row{"unix:/", "no absolute path", kUnix},
           Row{"unix:/a\nb", "control characters", kUnix},
           Row{"unix:/a?mode=", "no mode from 0 to 777", kUnix},
           Row{"unix:/a?mode=1000", "no mode from 0 to 777", kUnix},
           Row{"unix:/a?mode=0o660", "no mode from 0 to 777", kUnix},
           Row{"unix:/a?mode=668", "no mode from 0 to 777", kUnix},
           Row{"unix:/a?mode=-1", "no mode from 0 to 777", kUnix},
           Row{"unix:/a?mode=66666666666666666666", "no mode from 0 to 777", kUnix},
           Row{"unix:/a?user=", "names nobody", kUnix},
           Row{"unix:/a?group", "names nobody", kUnix},
           Row{"unix:/a?mode=660&group=a&mode=660", "the option mode twice", kUnix},
           Row{"unix:/a?color=red",
               "unknown option \"color\"; there are mode, user, group, name and proxy_protocol", kUnix},
           Row{"unix:/a?Mode=660", "unknown option \"Mode\"", kUnix},
           Row{"unix:/a?mode=660&user=a&group=b&name=c&mode=6&user=7", "twice", kUnix},
       }) {
    EXPECT_THAT(refusal(row.text), AllOf(HasSubstr(row.why), HasSubstr(row.example))) << row.text;
  }
}

TEST(ListenAddress, ErrorsAreOneShortPrintableLine) {
  const std::string text = refusal("http://\x1b[31m\n" + std::string(5000, 'x'));
  EXPECT_LT(text.size(), 800U);
  for (const char c : text)
    EXPECT_TRUE(c >= ' ' && c <= '~');
}

}  // namespace
}  // namespace httpd::server
