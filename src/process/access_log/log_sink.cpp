// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/log_sink.h"

#include "process/access_log/file_sink.h"
#include "process/access_log/journal_sink.h"
#include "process/access_log/syslog_sink.h"

namespace httpd::process {

std::unique_ptr<LogSink> open_log_sink(const server::AccessLogSettings& settings, LogOwner owner) {
  using Target = server::AccessLogSettings::Target;
  switch (settings.target) {
    case Target::kFile:
      return std::make_unique<FileSink>(settings.path, owner);
    case Target::kSyslog:
      return std::make_unique<SyslogSink>(settings.facility);
    case Target::kJournal:
      return std::make_unique<JournalSink>();
    case Target::kOff:
      break;
  }
  return nullptr;
}

void check_log_sink(const server::AccessLogSettings& settings) {
  using Target = server::AccessLogSettings::Target;
  if (settings.target == Target::kFile) FileSink::check(settings.path);
  if (settings.target == Target::kJournal) JournalSink::check();
}

}  // namespace httpd::process
