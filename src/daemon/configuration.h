// What a configuration file says, read without any effect on the daemon that runs.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>

#include "daemon/config/script.h"
#include "daemon/shared_state.h"
#include "net/secret_memory.h"
#include "server/settings.h"

namespace httpd::daemon {

struct Configuration {
  /// Statements that hold until a restart, in one: all loadmodule lines, all mpath lines, or all lines of one
  /// parameter of one module.
  struct Fixed {
    std::string what;        ///< "loadmodule", "mpath", "root of mi_http"
    net::SecretBytes value;  ///< for comparing
    [[nodiscard]] bool operator==(const Fixed& other) const noexcept = default;
  };
  server::Settings settings;
  int log_level = SharedState::kDefaultLogLevel;
  std::vector<Fixed> fixed;
};

/// The statements, by what they are about, in which `one` and `other` differ.
[[nodiscard]] std::vector<std::string> fixed_changes(const Configuration& one, const Configuration& other);

/// Reads texts of the configuration file as they would be read at start, by the modules that were loaded
/// then. Values of parameters of other modules than httpd are not judged: their setters would act.
class ConfigurationReader {
 public:
  struct Known {
    std::string file;  ///< as the loadmodule line has it
    Module* module;    ///< outlives the reader
  };
  /// `file`: its name, for errors.
  explicit ConfigurationReader(std::string file) : file_(std::move(file)) {}
  /// A module was loaded.
  void know(std::string file, Module& module) { known_.push_back({std::move(file), &module}); }
  /// Throws ConfigError with the position.
  [[nodiscard]] Configuration read(std::string_view text) const;

 private:
  std::string file_;
  std::vector<Known> known_;
};

}  // namespace httpd::daemon
