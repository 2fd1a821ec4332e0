// What this build is. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace httpd::daemon {

/// "opensips-httpd (0.1.0 (x86_64/linux))", in the form of OpenSIPS's own.
[[nodiscard]] std::string version();
/// "0.1.0".
[[nodiscard]] std::string version_number();
/// The commit that it was built from; "" where that is not known.
[[nodiscard]] std::string revision();
/// What -V prints: the version, the libraries' versions and how it was built; several lines.
[[nodiscard]] std::string version_text();
/// The configuration file read when -f is not given.
[[nodiscard]] std::string default_config_file();
/// Where the modules that come with the daemon are: beside the program in a build tree or an installation,
/// else where it was configured to be installed.
[[nodiscard]] std::string module_directory();
/// The path of the running program.
[[nodiscard]] std::string program_path();

}  // namespace httpd::daemon
