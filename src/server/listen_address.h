// What a `listen` line of the configuration says: where to listen, how, and who may connect.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace httpd::server {

/// A TCP address or the path of a Unix socket.
struct ListenAddress {
  bool tls = false;
  bool proxy_protocol = false;  ///< trusted proxies begin with a PROXY header
  std::string ip;  ///< an address literal without brackets, or "*" for every interface; "" for a Unix socket
  std::uint16_t port = 0;  ///< 1 to 65535 when it was parsed
  std::string path;        ///< of a Unix socket: absolute
  mode_t mode = 0660;      ///< of the Unix socket's file
  std::string user;        ///< its owner, a name or a number; "" for whoever starts the server
  std::string group;       ///< its group, likewise
  std::string name;        ///< the systemd socket that serves in its place; "" for none

  /// Reads one of these, where NAME is what systemd.socket(5) calls FileDescriptorName=:
  ///   http://127.0.0.1:8080  https://[::1]:8443  http://*:8888  http://*?name=NAME&proxy_protocol=on
  ///   unix:/run/httpd/httpd.sock?mode=660&user=USER&group=GROUP&name=NAME
  /// Without a port it is 80 for http and 443 for https. Throws ConfigError, which shows a good example.
  static ListenAddress parse(std::string_view text);

  [[nodiscard]] bool operator==(const ListenAddress& other) const noexcept = default;
  [[nodiscard]] bool is_unix() const noexcept { return !path.empty(); }
  /// As it is written in a configuration, without what follows the '?'.
  [[nodiscard]] std::string text() const;
};

}  // namespace httpd::server
