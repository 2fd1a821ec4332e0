// The file that holds the attendant's process id. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "net/unique_fd.h"

namespace httpd::daemon {

/// Exists as long as the daemon runs.
class PidFile {
 public:
  /// Writes it. Throws ConfigError when a running process is named in it already, or it cannot be written.
  /// The file is replaced as a whole and never written through a symbolic link.
  explicit PidFile(std::string path);
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
