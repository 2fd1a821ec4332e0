// The httpd module's parameters: names, types, ranges and the settings that they set, for every host.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include <httpd/module.h>

#include "server/settings.h"

namespace httpd::server {

/// The parameters as modparam("httpd", …) takes them. Their setters write to `settings`, which must outlive
/// them, and throw ConfigError naming the value and what is allowed.
[[nodiscard]] std::vector<Parameter> httpd_parameters(Settings& settings);

}  // namespace httpd::server
