// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/log_settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <syslog.h>
#include <utility>

#include "http/escape.h"
#include "server/access_log/log_format.h"

namespace httpd::server {
namespace {

constexpr std::string_view kSyslog = "syslog";
constexpr std::string_view kJournal = "journald";

/// As syslog.conf(5) names them, without those of the kernel and of syslog itself.
constexpr std::array<std::pair<std::string_view, int>, 16> kFacilities{{{"auth", LOG_AUTH},
                                                                        {"authpriv", LOG_AUTHPRIV},
                                                                        {"cron", LOG_CRON},
                                                                        {"daemon", LOG_DAEMON},
                                                                        {"ftp", LOG_FTP},
                                                                        {"mail", LOG_MAIL},
                                                                        {"news", LOG_NEWS},
                                                                        {"user", LOG_USER},
                                                                        {"local0", LOG_LOCAL0},
                                                                        {"local1", LOG_LOCAL1},
                                                                        {"local2", LOG_LOCAL2},
                                                                        {"local3", LOG_LOCAL3},
                                                                        {"local4", LOG_LOCAL4},
                                                                        {"local5", LOG_LOCAL5},
                                                                        {"local6", LOG_LOCAL6},
                                                                        {"local7", LOG_LOCAL7}}};

int facility(std::string_view name) {
  const auto* const found = std::ranges::find(kFacilities, name, &std::pair<std::string_view, int>::first);
  if (found == kFacilities.end())
    throw ConfigError(
        "\"" + http::escape_for_log(name) +
        "\" is no facility of syslog: local0 to local7, daemon, user, auth, authpriv, cron, ftp, "
        "mail or news");
  return found->second;
}

void set_target(AccessLogSettings& settings, const std::string& value) {
  using Target = AccessLogSettings::Target;
  settings.path.clear();
  if (value.empty()) {
    settings.target = Target::kOff;
  } else if (value == kJournal) {
    settings.target = Target::kJournal;
  } else if (value == kSyslog) {
    settings.target = Target::kSyslog;
    settings.facility = LOG_LOCAL7;
  } else if (value.starts_with(std::string(kSyslog) + ':')) {
    settings.facility = facility(std::string_view(value).substr(kSyslog.size() + 1));
    settings.target = Target::kSyslog;
  } else {
    settings.target = Target::kFile;
    settings.path = value;
  }
}

}  // namespace

std::vector<Parameter> access_log_parameters(AccessLogSettings& settings) {
  return {
      string_parameter("access_log", [&settings](const std::string& value) { set_target(settings, value); }),
      string_parameter("access_log_format",
                       [&settings](const std::string& value) {
                         static_cast<void>(LogFormat::parse(value));
                         settings.format = value;
                       }),
      integer_parameter("request_id", 0, 1,
                        [&settings](long long value) { settings.request_id = value != 0; }),
  };
}

}  // namespace httpd::server
