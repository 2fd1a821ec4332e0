// What a module written in C++ exports, and what the host offers it at start.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <httpd/handler.h>
#include <httpd/log.h>
#include <httpd/metrics.h>
#include <httpd/mi.h>
#include <httpd/monitor.h>

namespace httpd {

/// A configuration that cannot be served: thrown during start-up only. The text says what to change.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The value in a modparam() line.
using ParameterValue = std::variant<long long, std::string>;

/// A parameter that modparam() may set. `set` is called once for each line, before Module::init(), and throws
/// ConfigError for a value out of range (the host adds file, line, module and parameter).
/// Two entries may share a name when they differ in type, as in OpenSIPS.
struct Parameter {
  enum class Type : bool { kInteger, kString };
  std::string name;
  Type type;
  std::function<void(const ParameterValue& value)> set;
};

/// What an extra process of a module may ask for while it runs.
class Process {
 public:
  virtual ~Process() = default;
  /// Readable once the process is to end. Never read from it.
  [[nodiscard]] virtual int stop_descriptor() const noexcept = 0;
  /// To be called once, as soon as the process serves: the daemon's start is complete when every process has
  /// called it. A process that ends before that makes the start fail.
  virtual void ready() noexcept = 0;
  /// True in the process that is to take the place of that of another daemon, which has started this one to
  /// be upgraded and serves until ready() is called: what it has in the file system is to be replaced, not
  /// refused.
  [[nodiscard]] virtual bool takes_over() const noexcept { return false; }
};

/// The host during start-up, before any process is forked. Outlives the module.
class Host {
 public:
  virtual ~Host() = default;
  /// Gives all requests under `root` to `handler`. White space around the root is cut; it consists of
  /// segments of [A-Za-z0-9_.~-] joined by '/'. Throws ConfigError for a bad root, or one that is taken
  /// (naming both modules).
  virtual void register_root(std::string_view module, std::string_view root,
                             std::unique_ptr<Handler> handler) = 0;
  /// Runs `main` in a process of its own, named `description` in the MI command `ps`. It is started again
  /// when it ends before it was told to.
  virtual void add_process(std::string description, std::function<void(Process& process)> main) = 0;
  [[nodiscard]] virtual Mi& mi() noexcept = 0;
  /// What the host counts. As long-lived as the host.
  [[nodiscard]] virtual const Metrics& metrics() const noexcept = 0;
  /// What the host is doing. As long-lived as the host. To be asked for in Module::init(), since not all of
  /// it is kept where nobody looks.
  [[nodiscard]] virtual const Monitor& monitor() = 0;
  [[nodiscard]] virtual Log& log() noexcept = 0;
};

/// A module: made once, configured by modparam() lines, then initialised.
class Module {
 public:
  virtual ~Module() = default;
  /// The name that modparam() and httpd_list_root_path use.
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::vector<Parameter> parameters() { return {}; }
  /// Called once, after all modparam() lines, as the user that the daemon's option -u names. Throws
  /// ConfigError.
  virtual void init(Host& host) = 0;
};

}  // namespace httpd

/// The version of this interface; a module built for another one is refused at loadmodule.
#define HTTPD_MODULE_ABI 4

/// Exports `TYPE`, a class derived from httpd::Module, from a shared object that loadmodule can load.
#define HTTPD_MODULE(TYPE)                                                                \
  extern "C" __attribute__((visibility("default"))) const int httpd_module_abi;           \
  const int httpd_module_abi = HTTPD_MODULE_ABI;                                          \
  extern "C" __attribute__((visibility("default"))) httpd::Module* httpd_module_create(); \
  httpd::Module* httpd_module_create() {                                                  \
    return new TYPE; /* NOLINT(bugprone-macro-parentheses): a type */                     \
  }
