// Fuzz target: formats of the access log, and the lines that they make of the same bytes.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <httpd/module.h>

#include "require.h"
#include "server/access_log/log_line.h"

namespace {

using httpd::fuzz::require;
using namespace httpd::server;

void write_line(const LogFormat& format, std::string_view text) {
  const std::array fields{httpd::http::FieldLine{httpd::http::FieldId::kOther, "Referer", text}};
  LogFacts facts;
  facts.user = facts.request_line = facts.method = facts.path = facts.query = facts.root = facts.request_id =
      facts.content_type = facts.reply_fields = text;
  facts.fields = fields;
  LogClock clock;
  std::string begun;
  std::string line;
  begin_log_line(format, facts, clock, begun);
  finish_log_line(begun, {1, std::chrono::microseconds(2), LogOutcome::End::kCut}, line);
  require(line.size() <= kMaxLogLine && line.back() == '\n');
  // Of control characters a tabulator of the format, what stands between fields of the journal, and the end.
  require(std::count(line.begin(), line.end(), '\n') == 1);
  require(std::none_of(line.begin(), line.end(), [](char c) {
    return c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != LogFormat::kFieldSeparator;
  }));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const LogFormat combined = LogFormat::parse("combined");
  static const LogFormat json = LogFormat::parse("json");
  write_line(combined, text);
  write_line(json, text);
  try {
    write_line(LogFormat::parse(text), text);
    write_line(LogFormat::for_journal(text), text);
  } catch (const httpd::ConfigError& error) {
    require(std::string_view(error.what()).find("the format") != std::string_view::npos);
  }
  return 0;
}
