// The engine as the module "httpd" of the daemon. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/module.h>

#include "server/reload_channel.h"
#include "server/settings.h"

namespace httpd::daemon {

/// loadmodule "httpd.so" loads this one. It has the parameters and the MI commands httpd_reload,
/// httpd_tls_reload and httpd_auth_reload; the daemon itself does the serving.
class HttpdModule final : public Module {
 public:
  /// Both must outlive the module.
  HttpdModule(server::Settings& settings, server::ReloadChannel& reloads) noexcept
      : settings_(settings), reloads_(reloads) {}
  [[nodiscard]] std::string_view name() const override { return "httpd"; }
  [[nodiscard]] std::vector<Parameter> parameters() override;
  void init(Host& host) override;

 private:
  server::Settings& settings_;
  server::ReloadChannel& reloads_;
};

}  // namespace httpd::daemon
