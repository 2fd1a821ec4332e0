// The access log in systemd's journal, with fields of its own.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/uio.h>
#include <vector>

#include "process/access_log/log_sink.h"

namespace httpd::process {

/// Takes records as server::LogFormat::for_journal() makes them.
class JournalSink final : public LogSink {
 public:
  /// Throws ConfigError when there is no journal.
  JournalSink();
  Result write(std::string_view lines) noexcept override;
  [[nodiscard]] int descriptor() const noexcept override { return -1; }
  int reopen() noexcept override { return 0; }
  [[nodiscard]] std::string name() const override { return "journald"; }

  /// Throws ConfigError when there is no journal.
  static void check();

 private:
  std::vector<iovec> fields_;
};

/// The fields of a record, without its '\n', to `fields`: views of it, without those that say "-", which
/// stands for nothing. Throws std::bad_alloc.
void split_record(std::string_view record, std::vector<iovec>& fields);

}  // namespace httpd::process
