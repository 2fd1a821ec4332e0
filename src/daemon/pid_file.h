// The file that holds the attendant's process id. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <sys/types.h>
#include <utility>

#include "net/unique_fd.h"

namespace httpd::daemon {

/// Exists as long as the daemon runs.
class PidFile {
 public:
  /// Writes it. Throws ConfigError when a running process is named in it already, or it cannot be written.
  /// The file is replaced as a whole and never written through a symbolic link.
  explicit PidFile(std::string path);
  /// That of the daemon that this one is to take the place of, which calls hand_over(): it is not written
  /// here. `descriptor`: its own, for what this process may not be allowed to do by the path.
  PidFile(std::string path, net::UniqueFd descriptor) noexcept
      : path_(std::move(path)), fd_(std::move(descriptor)) {}
  /// Names another process in it. From then on the file is that one's.
  void hand_over(pid_t process) noexcept;
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  /// Removes it, unless another daemon has replaced it. A process that has dropped the privilege to remove it
  /// leaves it empty, so that it names nobody.
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;
  net::UniqueFd fd_;
};

}  // namespace httpd::daemon
