// The parameters of the module mi_fifo, and what is checked of them at start.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <httpd/module.h>

namespace httpd::mi_fifo {

struct FifoSettings {
  std::string fifo_name = "/tmp/opensips_fifo";
  mode_t fifo_mode = 0660;
  std::optional<uid_t> fifo_user;   ///< unset: whoever the process runs as
  std::optional<gid_t> fifo_group;  ///< unset: the group of a user that was named, or that of the process
  std::optional<gid_t> fifo_user_group;  ///< the group of the named user
  std::string reply_dir = "/tmp/";       ///< ends in '/' after check()
  bool pretty_printing = false;

  /// The group that the FIFO is given, if any.
  [[nodiscard]] std::optional<gid_t> group() const noexcept {
    return fifo_group ? fifo_group : fifo_user_group;
  }
};

/// The module's parameters; they write to `settings`, which must outlive them. Users and groups are looked up
/// as they are set.
[[nodiscard]] std::vector<Parameter> fifo_parameters(FifoSettings& settings);

/// Checks what can be checked before the FIFO is made, and completes `settings`. Changes nothing in the file
/// system, so a running server is not disturbed. Throws ConfigError.
void check(FifoSettings& settings, Log& log);

}  // namespace httpd::mi_fifo
