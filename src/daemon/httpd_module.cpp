// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/httpd_module.h"

#include "server/parameters.h"

namespace httpd::daemon {

std::vector<Parameter> HttpdModule::parameters() {
  return server::httpd_parameters(settings_);
}

void HttpdModule::init(Host& /*host*/) {}

}  // namespace httpd::daemon
