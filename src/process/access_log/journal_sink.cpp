// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/journal_sink.h"

#include <algorithm>
#include <cerrno>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <httpd/module.h>

#include "server/access_log/log_format.h"

namespace httpd::process {
namespace {

constexpr char kSocket[] = "/run/systemd/journal/socket";
constexpr std::string_view kPriority = "PRIORITY=6";  // LOG_INFO
constexpr std::string_view kIdentifier = "SYSLOG_IDENTIFIER=httpd";

void add(std::string_view field, std::vector<iovec>& fields) {
  fields.push_back({const_cast<char*>(field.data()), field.size()});
}

}  // namespace

void split_record(std::string_view record, std::vector<iovec>& fields) {
  while (!record.empty()) {
    const std::size_t end = std::min(record.find(server::LogFormat::kFieldSeparator), record.size());
    const std::string_view field = record.substr(0, end);
    record.remove_prefix(std::min(end + 1, record.size()));
    const std::string_view value = field.substr(std::min(field.find('=') + 1, field.size()));
    if (value.empty() || (value == "-" && !field.starts_with("MESSAGE="))) continue;
    add(field, fields);
  }
}

void JournalSink::check() {
  if (::access(kSocket, F_OK) != 0)
    throw ConfigError(std::string("there is no journal on this system to write the access log to: ") +
                      kSocket);
}

JournalSink::JournalSink() {
  check();
}

LogSink::Result JournalSink::write(std::string_view lines) noexcept {
  const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
  int error = ENOMEM;
  try {
    fields_.clear();
    add(kPriority, fields_);
    add(kIdentifier, fields_);
    split_record(lines.substr(0, end), fields_);
    // sd_journal_sendv() says nothing where there is no journal.
    if (::access(kSocket, F_OK) != 0) return {Result::State::kAbsent, 0, errno};
    error = -::sd_journal_sendv(fields_.data(), static_cast<int>(fields_.size()));
  } catch (const std::exception&) {
    error = ENOMEM;
  }
  if (error == 0) return {Result::State::kDone, end + 1};
  if (error == ECONNREFUSED) return {Result::State::kAbsent, 0, error};
  return {Result::State::kLost, end + 1, error};
}

}  // namespace httpd::process
