// What the administrator says about the access log; each member is the httpd parameter of the same name
// (docs/ADMIN.md). SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include <httpd/parameter.h>

namespace httpd::server {

struct AccessLogSettings {
  enum class Target : char { kOff, kFile, kSyslog, kJournal };
  Target target = Target::kOff;
  std::string path;                 ///< of kFile: a file or a FIFO
  int facility = 0;                 ///< of kSyslog, as in openlog(3)
  std::string format = "combined";  ///< see LogFormat::parse()
  bool request_id = false;          ///< requests have ids without the log, too

  [[nodiscard]] bool on() const noexcept { return target != Target::kOff; }
};

/// The parameters that set them; `settings` must outlive them.
[[nodiscard]] std::vector<Parameter> access_log_parameters(AccessLogSettings& settings);

}  // namespace httpd::server
