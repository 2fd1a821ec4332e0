// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/configuration.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <functional>
#include <utility>
#include <variant>

#include "daemon/config/parameters.h"
#include "daemon/config/position.h"
#include "http/wipe.h"
#include "server/parameters.h"

namespace httpd::daemon {
namespace {

constexpr std::string_view kHttpd = "httpd";

/// Takes the place of a loaded module: has its name and parameters, and setters of its own.
class StandIn final : public Module {
 public:
  StandIn(std::string_view name, std::function<std::vector<Parameter>()> parameters)
      : name_(name), parameters_(std::move(parameters)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::vector<Parameter> parameters() override { return parameters_(); }
  void init(Host& /*host*/) override {}

 private:
  std::string_view name_;
  std::function<std::vector<Parameter>()> parameters_;
};

/// Adds a line to what is known about `what`.
void note(std::vector<Configuration::Fixed>& fixed, const std::string& what, std::string_view line) {
  auto found = std::ranges::find(fixed, what, &Configuration::Fixed::what);
  if (found == fixed.end()) found = fixed.insert(fixed.end(), {what, {}});
  found->value.insert(found->value.end(), line.begin(), line.end());
  found->value.push_back('\0');  // no line has one
}

void note_value(std::vector<Configuration::Fixed>& fixed, const std::string& what,
                const ParameterValue& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return note(fixed, what, *text);
  note(fixed, what, std::to_string(std::get<long long>(value)) + '#');  // not the same as the string
}

/// One reading.
class Reading {
 public:
  Reading(std::vector<Statement> statements, const std::vector<ConfigurationReader::Known>& known)
      : statements_(std::move(statements)), known_(known), used_(known.size()) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    for (Statement& statement : statements_)
      if (auto* const set = std::get_if<SetParameter>(&statement))
        if (auto* const text = std::get_if<std::string>(&set->value)) http::wipe(*text);
  }

  Configuration result() {
    for (const Statement& statement : statements_)
      std::visit([this](const auto& one) { take(one); }, statement);
    return std::move(configuration_);
  }
  [[nodiscard]] bool has_httpd() const noexcept { return has_httpd_; }

 private:
  void take(const SetLogLevel& line) { configuration_.log_level = line.level; }
  void take(const SetModulePath& line) { note(configuration_.fixed, "mpath", line.path); }

  void take(const LoadModule& line) {
    note(configuration_.fixed, "loadmodule", line.file);
    const auto found = std::ranges::find(known_, line.file, &ConfigurationReader::Known::file);
    if (found == known_.end()) {
      unknown_ = true;
      return;
    }
    const auto index = static_cast<std::size_t>(found - known_.begin());
    if (used_[index])
      fail_at(line.where, fmt::format("loadmodule \"{}\": it is loaded above already", printable(line.file)));
    used_[index] = true;
    load(*found->module);
  }

  void load(Module& module) {
    if (module.name() == kHttpd) {
      has_httpd_ = true;
      loaded_.push_back(&stand_ins_.emplace_back(
          kHttpd, [this] { return server::httpd_parameters(configuration_.settings); }));
      return;
    }
    loaded_.push_back(&stand_ins_.emplace_back(module.name(), [this, &module] {
      std::vector<Parameter> parameters = module.parameters();
      for (Parameter& parameter : parameters)
        parameter.set = [this, what = fmt::format("{} of {}", parameter.name, module.name())](
                            const ParameterValue& value) { note_value(configuration_.fixed, what, value); };
      return parameters;
    }));
  }

  void take(const SetParameter& line) {
    // It may be for a module that a restart would load.
    if (unknown_ && !matches_any(line, loaded_))
      return note_value(configuration_.fixed, fmt::format("{} of {}", line.name, line.module_pattern),
                        line.value);
    apply_parameter(line, loaded_);
  }

  std::vector<Statement> statements_;
  const std::vector<ConfigurationReader::Known>& known_;
  std::vector<bool> used_;
  std::deque<StandIn> stand_ins_;
  std::vector<Module*> loaded_;
  Configuration configuration_;
  bool unknown_ = false;  // a loadmodule line names a module that was not there at start
  bool has_httpd_ = false;
};

}  // namespace

std::vector<std::string> fixed_changes(const Configuration& one, const Configuration& other) {
  std::vector<std::string> changes;
  for (const Configuration::Fixed& fixed : other.fixed)
    if (std::ranges::find(one.fixed, fixed) == one.fixed.end()) changes.push_back(fixed.what);
  for (const Configuration::Fixed& fixed : one.fixed)
    if (std::ranges::find(other.fixed, fixed.what, &Configuration::Fixed::what) == other.fixed.end())
      changes.push_back(fixed.what);
  return changes;
}

Configuration ConfigurationReader::read(std::string_view text) const {
  Reading reading(parse_script(text, file_), known_);
  Configuration configuration = reading.result();
  if (!reading.has_httpd())
    throw ConfigError(file_ + ": there is nothing to serve; add the line: loadmodule \"httpd.so\"");
  return configuration;
}

}  // namespace httpd::daemon
