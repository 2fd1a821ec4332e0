// The access log in a file, or for whoever reads a FIFO.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "process/access_log/log_sink.h"

namespace httpd::process {

/// SIGPIPE and SIGXFSZ must do no harm in a process that writes.
class FileSink final : public LogSink {
 public:
  /// A file that is not there is made for `owner`, with the mode 0640 as far as the umask allows. Throws
  /// ConfigError; a FIFO that nobody reads is none.
  explicit FileSink(const std::string& path, LogOwner owner = {});
  Result write(std::string_view lines) noexcept override;
  [[nodiscard]] int descriptor() const noexcept override { return file_.get(); }
  int reopen() noexcept override;
  void let_go() noexcept override { file_.reset(); }
  [[nodiscard]] std::string name() const override;

  /// Throws ConfigError when the constructor would, and makes no file.
  static void check(const std::string& path);

 private:
  [[nodiscard]] std::string_view piece_of(std::string_view lines) const noexcept;

  std::string path_;  // absolute: hosts change their working directory
  net::UniqueFd file_;
  bool is_pipe_ = false;
  bool cut_line_ = false;  // what was written last is no whole line
  bool in_line_ = false;   // besides, its end will not come
};

}  // namespace httpd::process
