// From the listeners of a configuration to the sockets that serve them: bound here, or inherited.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>

#include "net/listener.h"
#include "server/listen_address.h"
#include "server/settings.h"

namespace httpd::server {

/// A socket that is served.
struct Endpoint {
  net::ListenSocket socket;
  bool tls;                     ///< connections begin with a handshake
  bool proxy_protocol = false;  ///< trusted proxies begin with a PROXY header, before all else
  std::string name{};       ///< that systemd gave it; "" for one that was bound here, or by the daemon before
  bool takes_file = false;  ///< the daemon before made the file of the Unix socket, and leaves it to this one
  /// Whether whoever made it has it open, too, for the daemon after this one.
  [[nodiscard]] bool is_kept() const noexcept { return !name.empty(); }
  /// "http://127.0.0.1:8888", "https://[::1]:8443", "unix:/run/httpd.sock".
  [[nodiscard]] std::string url() const;
};

/// A listening socket that the program was started with.
struct InheritedSocket {
  net::ListenSocket socket;
  std::string name;  ///< that its giver gave it
  /// Who bound it. What a daemon before this one bound is found by its address alone, and needs no listener.
  enum class Maker : char { kSystemd, kDaemon, kDaemonWithFile } maker = Maker::kSystemd;
};

/// The name of the listener that the parameters `ip` and `port` make.
inline constexpr const char kDefaultListenerName[] = "httpd";

/// The listeners that `settings` ask for: that of `ip` and `port` first, unless there are `listen` lines
/// alone. Throws ConfigError when two of them have the same address or name, or one needs TLS that is not
/// configured.
[[nodiscard]] std::vector<ListenAddress> listeners_of(const Settings& settings);

/// A socket for each listener, listening: those of `inherited` that have its name or else its address, or
/// else one that is bound now. `program` is named in advice about privileges. Throws ConfigError, also when
/// a socket of systemd's belongs to no listener; then no file of a Unix socket is left behind.
[[nodiscard]] std::vector<Endpoint> open_endpoints(const std::vector<ListenAddress>& listeners,
                                                   std::vector<InheritedSocket> inherited,
                                                   std::string_view program);

/// Finds out whether open_endpoints() could succeed, and leaves everything as it is. An address that is in
/// use is no error, nor is a listener that names a systemd socket looked at. Throws ConfigError.
void check_endpoints(const std::vector<ListenAddress>& listeners, std::string_view program);

}  // namespace httpd::server
