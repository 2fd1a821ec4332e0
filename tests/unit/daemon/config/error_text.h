// The text of the ConfigError that a call throws.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include <httpd/module.h>

namespace httpd::daemon {

/// "" when nothing was thrown; any other exception goes on to the test.
template <typename Call>
std::string error_text(Call&& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

}  // namespace httpd::daemon
