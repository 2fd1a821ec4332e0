// The part of OpenSIPS's script language that the daemon reads: log_level, mpath, loadmodule and modparam.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <httpd/module.h>

#include "daemon/config/position.h"
#include "net/secret_memory.h"

namespace httpd::daemon {

/// The longest configuration file, in bytes.
inline constexpr std::size_t kMaxScriptSize = 1024UL * 1024UL;

/// `log_level = N`
struct SetLogLevel {
  SourcePosition where;
  int level;  ///< -3 to 4, the numbers of httpd::LogLevel; 0 silences warnings
};

/// `mpath = "DIRECTORY"`; the list form `mpath = "A" : "B"` becomes one of these for each directory.
struct SetModulePath {
  SourcePosition where;
  std::string path;  ///< not empty
};

/// `loadmodule "FILE"`
struct LoadModule {
  SourcePosition where;
  std::string file;  ///< not empty
};

/// `modparam("MODULE", "NAME", VALUE)`
struct SetParameter {
  SourcePosition where;
  std::string module_pattern;  ///< a regular expression; see apply_parameter()
  std::string name;
  httpd::ParameterValue value;
  SourcePosition value_at;
};

using Statement = std::variant<SetLogLevel, SetModulePath, LoadModule, SetParameter>;

/// The statements of a script in their order. Throws httpd::ConfigError "FILE:LINE:COLUMN: expected …, found
/// …".
[[nodiscard]] std::vector<Statement> parse_script(std::string_view text, const std::string& file_name);

/// The bytes of the regular file at `path`, in memory for secrets: there may be a password in it. Of one that
/// is too long a byte more than kMaxScriptSize, which parse_script() refuses. Throws httpd::ConfigError when
/// it cannot be read.
[[nodiscard]] net::SecretBytes read_script_text(const std::string& path);

/// parse_script() for the regular file at `path`. Throws httpd::ConfigError also when it cannot be read.
[[nodiscard]] std::vector<Statement> read_script(const std::string& path);

}  // namespace httpd::daemon
