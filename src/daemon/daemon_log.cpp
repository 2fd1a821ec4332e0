// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/daemon_log.h"

#include <memory>
#include <unistd.h>

#include "daemon/descriptor_sink.h"

namespace httpd::daemon {
namespace {

std::string_view name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kAlert:
      return "ALERT";
    case LogLevel::kCritical:
      return "CRITICAL";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kNotice:
      return "NOTICE";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kDebug:
      break;
  }
  return "DBG";
}

}  // namespace

DaemonLog::DaemonLog(const SharedState& state)
    : state_(state), logger_("httpd", std::make_shared<DescriptorSink>(STDERR_FILENO)) {
  logger_.set_pattern("%b %d %H:%M:%S [%P] %v");
  logger_.set_level(spdlog::level::trace);  // enabled() decides
}

void DaemonLog::write(LogLevel level, std::string_view line) noexcept {
  if (enabled(level)) logger_.info("{}:httpd: {}", name(level), line);
}

}  // namespace httpd::daemon
