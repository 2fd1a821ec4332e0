// The engine as the module "httpd" of the daemon. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/module.h>

#include "server/settings.h"

namespace httpd::daemon {

/// loadmodule "httpd.so" loads this one. It has the parameters; the daemon itself does the serving.
class HttpdModule final : public Module {
 public:
  /// `settings` must outlive the module.
  explicit HttpdModule(server::Settings& settings) noexcept : settings_(settings) {}
  [[nodiscard]] std::string_view name() const override { return "httpd"; }
  [[nodiscard]] std::vector<Parameter> parameters() override;
  void init(Host& host) override;

 private:
  server::Settings& settings_;
};

}  // namespace httpd::daemon
