// What leads from the HTTPD process to the process that writes the access log, and tells that one to reopen
// its file. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "net/unique_fd.h"

namespace httpd::process {

/// Made before the processes are forked, which inherit it. Lines cross a pair of SOCK_SEQPACKET sockets: what
/// the dead one of two processes had not read, its successor reads.
class LogChannel {
 public:
  /// Throws std::system_error.
  LogChannel();

  /// To write to, in the HTTPD process alone.
  [[nodiscard]] int sending() const noexcept { return sending_.get(); }
  /// To read from, in the process that writes; it ends when no process has sending() open any more.
  [[nodiscard]] int receiving() const noexcept { return receiving_.get(); }
  /// Readable when the file is to be reopened.
  [[nodiscard]] int reopening() const noexcept { return reopening_.get(); }

  /// In every process: has the file reopened, soon.
  void request_reopen() noexcept;

  /// In every process but the one that sends, or starts that one again.
  void leave_sending() noexcept { sending_.reset(); }
  /// Likewise.
  void leave_receiving() noexcept { receiving_.reset(); }

 private:
  net::UniqueFd sending_;
  net::UniqueFd receiving_;
  net::UniqueFd reopening_;
};

}  // namespace httpd::process
