// Finds and loads the modules that loadmodule lines name, and owns them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>

#include "daemon/config/script.h"

namespace httpd::daemon {

/// A module that is part of the daemon's program.
struct BuiltInModule {
  std::string name;  ///< what loadmodule calls it, without ".so"; also what the module's name() returns
  std::function<std::unique_ptr<httpd::Module>()> make;
};

/// The loaded modules. They are destroyed in the reverse order of their loading; the shared objects that they
/// came from stay mapped until the process ends, so that nothing that a module gave away can lose its code.
class ModuleLoader {
 public:
  /// `directory` holds the modules that come with the daemon.
  ModuleLoader(std::string directory, std::vector<BuiltInModule> built_in);
  ModuleLoader(const ModuleLoader&) = delete;
  ModuleLoader& operator=(const ModuleLoader&) = delete;
  ~ModuleLoader();

  /// Adds a directory of an mpath line, searched after those added before.
  void add_path(std::string directory);

  /// Loads one module and returns it; it lives as long as the loader.
  ///
  /// An absolute path is opened as it is; where there is no module of ours, as in a script that names
  /// OpenSIPS's own module directory, the daemon's module with the same file name is taken. "X.so", "X",
  /// "X/X.so" and "X/X" all name the module X: the built-in one, else X.so or X/X.so in the daemon's own
  /// directory, else in each mpath. A name with another folder in it is looked for below the same
  /// directories. Without any mpath a name with a '/' may also be relative to the working directory, as in
  /// OpenSIPS. Files that are no module of ours are passed over without being run.
  ///
  /// Throws httpd::ConfigError with the line's position: not found (with every place looked at and what is
  /// wrong there), refused by the dynamic linker, built for another interface version, or loaded before (with
  /// both lines).
  httpd::Module& load(const LoadModule& line);

  /// The modules in the order of their loading. Valid until the next load().
  [[nodiscard]] std::span<httpd::Module* const> loaded() const noexcept { return order_; }

 private:
  struct Loaded {
    SourcePosition where;
    std::unique_ptr<httpd::Module> module;
  };
  [[nodiscard]] const BuiltInModule* find_built_in(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> candidates(const std::string& file, std::string_view name) const;
  [[nodiscard]] std::string find_file(const LoadModule& line, std::string_view name) const;
  void refuse_second(const LoadModule& line, std::string_view name) const;

  std::string directory_;
  std::vector<BuiltInModule> built_in_;
  std::vector<std::string> paths_;
  std::vector<Loaded> modules_;
  std::vector<httpd::Module*> order_;
};

}  // namespace httpd::daemon
