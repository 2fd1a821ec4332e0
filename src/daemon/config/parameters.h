// Gives the values of modparam() lines to the loaded modules.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>

#include <httpd/module.h>

#include "daemon/config/script.h"

namespace httpd::daemon {

/// Applies one modparam() line as OpenSIPS does: its module pattern is an extended regular expression that a
/// module's whole name must match, in any case; every module that matches must have the parameter, with the
/// value's type. Throws httpd::ConfigError with the position when no module matches, when a module does not
/// have the parameter (the text lists those it has), when the value's type is another one, and when the
/// module refuses the value.
void apply_parameter(const SetParameter& set, std::span<httpd::Module* const> loaded);

/// True when one of the modules matches. Throws httpd::ConfigError for a pattern that is none.
[[nodiscard]] bool matches_any(const SetParameter& set, std::span<httpd::Module* const> loaded);

}  // namespace httpd::daemon
