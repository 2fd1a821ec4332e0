// The engine as the module "httpd" of the daemon. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>

#include <httpd/module.h>

#include "process/access_log/log_channel.h"
#include "server/reload_channel.h"
#include "server/settings.h"

namespace httpd::daemon {

/// loadmodule "httpd.so" loads this one. It has the parameters and the MI commands httpd_reload,
/// httpd_tls_reload, httpd_auth_reload and httpd_access_log_reopen; the daemon itself does the serving.
class HttpdModule final : public Module {
 public:
  /// All must outlive the module. `access_log` is set, where there is one, before the module serves.
  HttpdModule(server::Settings& settings, server::ReloadChannel& reloads,
              std::optional<process::LogChannel>& access_log) noexcept
      : settings_(settings), reloads_(reloads), access_log_(access_log) {}
  [[nodiscard]] std::string_view name() const override { return "httpd"; }
  [[nodiscard]] std::vector<Parameter> parameters() override;
  void init(Host& host) override;

 private:
  server::Settings& settings_;
  server::ReloadChannel& reloads_;
  std::optional<process::LogChannel>& access_log_;
};

}  // namespace httpd::daemon
