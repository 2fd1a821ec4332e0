// Whom the daemon runs as, once it has what only its starter could get it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace httpd::daemon {

/// A user and a group to change to, as the options -u and -g name them.
class Privileges {
 public:
  /// Looks them up: names or numbers, "" for no change. Without a group it is that of the user. Throws
  /// ConfigError when there is no such user or group, and when a number has no entry that tells its group.
  Privileges(const std::string& user, const std::string& group);

  /// True when drop() has something to do.
  [[nodiscard]] bool requested() const noexcept { return user_ || group_; }
  /// Those of drop(), as chown(2) takes them: -1 for what it does not change.
  [[nodiscard]] uid_t user() const noexcept { return user_.value_or(static_cast<uid_t>(-1)); }
  [[nodiscard]] gid_t group() const noexcept { return group_.value_or(static_cast<gid_t>(-1)); }
  /// Changes this process to them, for good: user, group, supplementary groups (those of the user's entry,
  /// else none). Before the first fork and with one thread. A process that is not root may only ask for what
  /// it is. Throws ConfigError.
  void drop() const;
  /// "user nobody (65534), group 65534"; for the log.
  [[nodiscard]] std::string text() const;

 private:
  std::string user_name_;  // of an entry; "" where there is none
  std::optional<uid_t> user_;
  std::optional<gid_t> group_;
};

}  // namespace httpd::daemon
