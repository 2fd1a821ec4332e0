// The engine's log as lines of OpenSIPS's log. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/log.h>

#include "opensips/border.h"

namespace httpd::opensips {

class HostLog final : public Log {
 public:
  /// `host` must outlive the log.
  explicit HostLog(const httpd_host& host) noexcept : host_(host) {}
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override {
    return host_.log_enabled(static_cast<int>(level)) != 0;
  }
  void write(LogLevel level, std::string_view line) noexcept override {
    host_.log(static_cast<int>(level), line.data(), line.size());
  }

 private:
  const httpd_host& host_;
};

}  // namespace httpd::opensips
