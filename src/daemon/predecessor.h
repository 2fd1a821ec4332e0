// The daemon that started this one to take its place (binary upgrade), as this one sees it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/unique_fd.h"

namespace httpd::daemon {

/// The environment variable that tells of it: the descriptor to say through that this one is ready, and that
/// of the pid file, if there is one: "5" or "5,6". The sockets come as systemd passes them
/// (inherited_sockets.h).
inline constexpr char kUpgradeVariable[] = "OPENSIPS_HTTPD_UPGRADE";
/// What is said.
inline constexpr char kUpgradeReady = 'R';
inline constexpr char kUpgradeNoProgram =
    'E';  ///< in place of it, before there is a new program; an errno follows
/// Names of sockets that the predecessor bound itself; with the second it made the file of a Unix socket.
inline constexpr std::string_view kUpgradeSocket = "opensips-httpd.upgrade";
inline constexpr std::string_view kUpgradeSocketWithFile = "opensips-httpd.upgrade.file";

/// The predecessor serves until it hears that this one is ready, and goes on if it never does.
class Predecessor {
 public:
  /// Takes the variable out of the environment; nothing when there is none. Once, at start. Throws
  /// ConfigError when it makes no sense.
  static std::optional<Predecessor> find();

  /// The attendant: all processes are ready. The predecessor gives up its sockets now.
  void tell_ready() noexcept;
  /// This process serves, or has nothing to do with it. The predecessor's processes of modules end when all
  /// processes have said so, or have ended.
  void let_go() noexcept { ready_.reset(); }
  /// The descriptor of the pid file, once; none when there is no pid file.
  [[nodiscard]] net::UniqueFd take_pid_file() noexcept { return std::move(pid_file_); }

 private:
  Predecessor(net::UniqueFd ready, net::UniqueFd pid_file) noexcept
      : ready_(std::move(ready)), pid_file_(std::move(pid_file)) {}
  net::UniqueFd ready_;
  net::UniqueFd pid_file_;
};

}  // namespace httpd::daemon
