// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/daemon_log.h"

#include <memory>
#include <syslog.h>
#include <unistd.h>

#include "daemon/descriptor_sink.h"
#include "daemon/journal_stream.h"

namespace httpd::daemon {
namespace {

struct LevelName {
  std::string_view name;  ///< OpenSIPS's
  int priority;           ///< syslog's
};

LevelName describe(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kAlert:
      return {"ALERT", LOG_ALERT};
    case LogLevel::kCritical:
      return {"CRITICAL", LOG_CRIT};
    case LogLevel::kError:
      return {"ERROR", LOG_ERR};
    case LogLevel::kWarning:
      return {"WARNING", LOG_WARNING};
    case LogLevel::kNotice:
      return {"NOTICE", LOG_NOTICE};
    case LogLevel::kInfo:
      return {"INFO", LOG_INFO};
    case LogLevel::kDebug:
      break;
  }
  return {"DBG", LOG_DEBUG};
}

}  // namespace

DaemonLog::DaemonLog(const SharedState& state)
    : state_(state),
      journal_(leads_to_journal(STDERR_FILENO)),
      logger_("httpd", std::make_shared<DescriptorSink>(STDERR_FILENO)) {
  logger_.set_pattern(journal_ ? "%v" : "%b %d %H:%M:%S [%P] %v");
  logger_.set_level(spdlog::level::trace);  // enabled() decides
}

void DaemonLog::write(LogLevel level, std::string_view line) noexcept {
  if (!enabled(level)) return;
  const LevelName known = describe(level);
  if (journal_)
    logger_.info("<{}>[{}] {}:httpd: {}", known.priority, ::getpid(), known.name, line);
  else
    logger_.info("{}:httpd: {}", known.name, line);
}

}  // namespace httpd::daemon
