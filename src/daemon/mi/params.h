// Reading the parameters of an MI command, with the conversions and the error texts of OpenSIPS.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include <httpd/mi.h>

namespace httpd::daemon {

/// Each of these reads the parameter `name`, which the recipe must have, and throws MiError -32602 with the
/// detail "Bad type for parameter 'name'" when its value is of another kind.

/// A whole number within the range of int, given as a number or as a string.
[[nodiscard]] int int_param(const MiParams& params, const char* name);
/// A string; a whole number counts as its digits.
[[nodiscard]] std::string string_param(const MiParams& params, const char* name);
/// An array of strings, at least one; whole numbers count as their digits.
[[nodiscard]] std::vector<std::string> string_array_param(const MiParams& params, const char* name);

}  // namespace httpd::daemon
