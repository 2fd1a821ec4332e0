// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/listen_address.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include <httpd/module.h>

#include "http/escape.h"
#include "net/address.h"
#include "net/unix_socket.h"

namespace httpd::server {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kMaxName = 255;  // FDNAME_MAX of systemd
constexpr mode_t kMaxMode = 0777;
constexpr std::string_view kUnixExample = "unix:/run/httpd/httpd.sock?mode=660&group=opensips";

/// Reads one address; every error shows the whole of it.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  ListenAddress read() {
    const std::string_view where = text_.substr(0, text_.find('?'));
    if (where.starts_with("http://")) {
      read_tcp(where.substr(7), false);
    } else if (where.starts_with("https://")) {
      read_tcp(where.substr(8), true);
    } else if (where.starts_with("unix:")) {
      read_path(where.substr(5));
    } else {
      fail("begins with none of http://, https:// and unix:", "http://127.0.0.1:8080");
    }
    if (where.size() < text_.size()) read_options(text_.substr(where.size() + 1));
    return std::move(address_);
  }

 private:
  [[noreturn]] void fail(std::string_view what, std::string_view example) const {
    throw ConfigError(
        fmt::format(R"("{}" {}; a good one is "{}")", http::escape_for_log(text_), what, example));
  }
  [[noreturn]] void fail_tcp(std::string_view what) const {
    fail(what, address_.tls ? "https://[::1]:8443" : "http://127.0.0.1:8080");
  }

  void read_tcp(std::string_view authority, bool tls) {
    address_.tls = tls;
    address_.port = tls ? kHttpsPort : kHttpPort;
    if (authority.find('@') != std::string_view::npos)
      fail_tcp("has a user name, which listeners do not have");
    if (authority.find('/') != std::string_view::npos)
      fail_tcp("has a path, but every root path is served on every listener: end it with the port");
    const std::size_t ip_end = authority.starts_with('[') ? read_bracketed(authority) : read_bare(authority);
    if (const std::string_view port = authority.substr(ip_end); !port.empty()) read_port(port);
  }

  /// "[::1]"; returns where it ends.
  std::size_t read_bracketed(std::string_view authority) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) fail_tcp("has a '[' without its ']'");
    address_.ip = authority.substr(1, end - 1);
    if (address_.ip.find(':') == std::string::npos || !net::Address::parse(address_.ip, 0))
      fail_tcp("has no IPv6 address between its brackets (a link-local one needs its zone: [fe80::1%eth0])");
    return end + 1;
  }

  /// "127.0.0.1" or "*"; returns where it ends.
  std::size_t read_bare(std::string_view authority) {
    if (std::ranges::count(authority, ':') > 1) fail_tcp("has an IPv6 address without brackets: write [::1]");
    const std::size_t end = std::min(authority.find(':'), authority.size());
    address_.ip = authority.substr(0, end);
    if (address_.ip != "*" && !net::Address::parse(address_.ip, 0))
      fail_tcp(
          "has no IP address where one belongs; names are not looked up: write 127.0.0.1 or [::1] for "
          "localhost, and * for all interfaces");
    return end;
  }

  void read_port(std::string_view text) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 1, end, address_.port);
    if (text.front() != ':' || error != std::errc() || stop != end || address_.port == 0)
      fail_tcp("has no port from 1 to 65535 behind its address");
  }

  void read_path(std::string_view path) {
    address_.path = path;
    if (!path.starts_with('/') || path.ends_with('/'))
      fail("has no absolute path of a file behind unix:", kUnixExample);
    if (std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
      fail("has control characters in its path", kUnixExample);
    if (path.size() > net::kMaxUnixPath)
      fail(fmt::format("has a path of {} bytes, and a socket's may have {}", path.size(), net::kMaxUnixPath),
           kUnixExample);
  }

  void read_options(std::string_view options) {
    std::string_view seen[5];
    std::size_t count = 0;
    for (std::size_t at = 0; at <= options.size();) {
      const std::string_view option = options.substr(at, options.find('&', at) - at);
      at += option.size() + 1;
      const std::size_t equals = std::min(option.find('='), option.size());
      const std::string_view key = option.substr(0, equals);
      const std::string_view value = option.substr(std::min(equals + 1, option.size()));
      if (std::find(seen, seen + count, key) != seen + count)
        fail_option(fmt::format("has the option {} twice", key));
      read_option(key, value);  // takes no more keys than there is room for
      seen[count++] = key;
    }
  }

  void read_option(std::string_view key, std::string_view value) {
    if (key == "name") {
      read_name(value);
    } else if (key == "proxy_protocol") {
      if (value != "on" && value != "off") fail_option("has neither on nor off in its option proxy_protocol");
      address_.proxy_protocol = value == "on";
    } else if (address_.is_unix() && key == "mode") {
      read_mode(value);
    } else if (address_.is_unix() && (key == "user" || key == "group")) {
      if (value.empty()) fail_option(fmt::format("names nobody in its option {}", key));
      (key == "user" ? address_.user : address_.group) = value;
    } else {
      fail_option(fmt::format("has the unknown option \"{}\"; there {}", http::escape_for_log(key),
                              address_.is_unix() ? "are mode, user, group, name and proxy_protocol"
                                                 : "are name and proxy_protocol"));
    }
  }

  void read_name(std::string_view value) {
    const auto is_bad = [](char c) { return c <= ' ' || c > '~' || c == ':'; };
    if (value.empty() || value.size() > kMaxName || std::ranges::any_of(value, is_bad))
      fail_option("has no name of a systemd socket in its option name");
    address_.name = value;
  }

  void read_mode(std::string_view value) {
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, address_.mode, 8);
    if (error != std::errc() || stop != end || address_.mode > kMaxMode)
      fail_option("has no mode from 0 to 777 (octal)");
  }

  [[noreturn]] void fail_option(std::string_view what) const {
    fail(what, address_.is_unix() ? kUnixExample : "http://*:8888?name=web");
  }

  std::string_view text_;
  ListenAddress address_;
};

}  // namespace

ListenAddress ListenAddress::parse(std::string_view text) {
  return Reader(text).read();
}

std::string ListenAddress::text() const {
  if (is_unix()) return "unix:" + path;
  const bool brackets = ip.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", brackets ? "[" : "", ip, brackets ? "]" : "",
                     port);
}

}  // namespace httpd::server
