// Makes a module from a shared object.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include <httpd/module.h>

namespace httpd::daemon {

/// Opens the shared object at `path` and makes the module that it exports, in C++ (include/httpd/module.h) or
/// in C (include/httpd/httpd_module.h). The object stays mapped until the process ends. Throws
/// httpd::ConfigError that begins with the path: when the dynamic linker refuses it, it exports no module,
/// was built for another version of the interface, or fails to make its module.
[[nodiscard]] std::unique_ptr<httpd::Module> open_module(const std::string& path);

}  // namespace httpd::daemon
