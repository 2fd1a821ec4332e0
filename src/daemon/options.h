// The command line. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>

namespace httpd::daemon {

/// What the options of opensips-httpd say; the letters are those of opensips(8).
struct Options {
  enum class Action { kRun, kCheck, kExit };
  Action action = Action::kRun;
  int exit_status = 0;                 ///< for kExit
  std::string config_file;             ///< -f
  std::string working_directory;       ///< -w; "" leaves it
  std::string pid_file;                ///< -P; "" for none
  std::string user;                    ///< -u: a name or number; "" stays who it is
  std::string group;                   ///< -g: likewise
  std::size_t private_memory_mb = 16;  ///< -M: OpenSIPS's private memory; a quarter of it is kept for replies
  bool debug = false;                  ///< -D: log level 4, whatever the script says
  int more_log = 0;                    ///< -d, each adds one to the log level
};

/// The exit status of every failure at start, as OpenSIPS has it (-1).
inline constexpr int kExitFailure = 255;

/// Reads the command line. Prints what -h, -V or a mistake ask for; then the action is kExit.
[[nodiscard]] Options read_options(int argc, const char* const* argv);

}  // namespace httpd::daemon
