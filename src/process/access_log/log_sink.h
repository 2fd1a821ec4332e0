// Where the lines of the access log end: a file, syslog or the journal.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "net/unique_fd.h"
#include "server/access_log/log_settings.h"

namespace httpd::process {

/// Whose a file is to be; -1: who makes it.
struct LogOwner {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
};

class LogSink {
 public:
  struct Result {
    enum class State : char {
      kDone,     ///< `bytes` were taken, more than 0
      kBlocked,  ///< none were; descriptor() will be writable when some can be
      kAbsent,   ///< there is nobody to take them, see `error`: to be tried again after a while
      kLost      ///< the next `bytes`, which end with a line, cannot be written, see `error`
    };
    State state = State::kDone;
    std::size_t bytes = 0;
    int error = 0;  ///< errno
  };
  virtual ~LogSink() = default;
  /// Takes lines, each with its '\n', as far as it can; `lines` may begin inside the last one that it was
  /// given. After kAbsent it begins with a whole one.
  virtual Result write(std::string_view lines) noexcept = 0;
  /// To wait for with poll(2) when it is blocked; -1 for none.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
  /// Begins a new file where the old one has been renamed. errno, or 0; it goes on with the old one then.
  virtual int reopen() noexcept = 0;
  /// In a process that does not write: closes what is open. What writes after it opens it again.
  virtual void let_go() noexcept {}
  /// What the log calls it: "file /var/log/httpd.log".
  [[nodiscard]] virtual std::string name() const = 0;
};

/// Opens the sink as whoever starts the host. Throws ConfigError for a file that cannot be had, or a journal
/// that is not there. Null when the log is off.
[[nodiscard]] std::unique_ptr<LogSink> open_log_sink(const server::AccessLogSettings& settings,
                                                     LogOwner owner = {});
/// Finds out whether that would throw, and makes no file.
void check_log_sink(const server::AccessLogSettings& settings);

}  // namespace httpd::process
