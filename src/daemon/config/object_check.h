// Tells whether a file is a shared object that loadmodule can load, without running any of its code.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

namespace httpd::daemon {

/// Reads the dynamic symbol table (System V ABI, "Symbol Table") of the file at `path`. dlopen() would do,
/// but it runs the constructors of whatever it opens, such as a module of OpenSIPS that an mpath line leads
/// to. Nothing when the file exports one of the symbols of our modules, otherwise why it cannot be loaded, to
/// be put after the path and ": ". Never throws for what the file holds.
[[nodiscard]] std::optional<std::string> why_not_a_module(const std::string& path);

}  // namespace httpd::daemon
