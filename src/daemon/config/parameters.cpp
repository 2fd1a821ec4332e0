// Gives the values of modparam() lines to the loaded modules.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/parameters.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fmt/format.h>
#include <regex.h>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace httpd::daemon {
namespace {

// Longer than any useful pattern, and short enough for the C library's recursive compiler.
constexpr std::size_t kMaxPattern = 255;

/// What a pattern of module names matches.
class ModulePattern {
 public:
  ModulePattern(const std::string& pattern, const SourcePosition& where) {
    if (pattern.size() > kMaxPattern) {
      fail_at(where, fmt::format("expected a module name or pattern of at most {} bytes, found {} bytes",
                                 kMaxPattern, pattern.size()));
    }
    const std::string anchored = "^(" + pattern + ")$";
    const int error = regcomp(&compiled_, anchored.c_str(), REG_EXTENDED | REG_NOSUB | REG_ICASE);
    if (error != 0) {
      std::array<char, 128> text{};
      regerror(error, &compiled_, text.data(), text.size());
      fail_at(where, fmt::format("expected a module name or pattern, found \"{}\": {}", printable(pattern),
                                 text.data()));
    }
  }
  ModulePattern(const ModulePattern&) = delete;
  ModulePattern& operator=(const ModulePattern&) = delete;
  ~ModulePattern() { regfree(&compiled_); }

  [[nodiscard]] bool matches(std::string_view name) const {
    return regexec(&compiled_, std::string(name).c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
};

std::string_view type_name(Parameter::Type type) {
  return type == Parameter::Type::kInteger ? "integer" : "string";
}

std::string list_parameters(std::string_view module, const std::vector<Parameter>& parameters) {
  if (parameters.empty()) return fmt::format("{} has none", module);
  std::vector<std::string> names;
  names.reserve(parameters.size());
  for (const Parameter& parameter : parameters) {
    names.push_back(fmt::format("{} ({})", parameter.name, type_name(parameter.type)));
  }
  std::sort(names.begin(), names.end());
  return fmt::format("{} has {}", module, fmt::join(names, ", "));
}

std::string describe(const ParameterValue& value) {
  // Where a text is wanted it may be a password.
  if (std::holds_alternative<long long>(value)) return "an integer";
  return fmt::format("the string \"{}\"", printable(std::get<std::string>(value)));
}

void apply_to_module(const SetParameter& set, Module& module) {
  const auto wanted =
      std::holds_alternative<long long>(set.value) ? Parameter::Type::kInteger : Parameter::Type::kString;
  const auto fail = [&](const SourcePosition& where, std::string_view why) {
    fail_at(where, fmt::format(R"(modparam "{}" "{}": {})", module.name(), printable(set.name), why));
  };
  const std::vector<Parameter> parameters = module.parameters();
  const Parameter* of_other_type = nullptr;
  for (const Parameter& parameter : parameters) {
    if (parameter.name != set.name) continue;
    if (parameter.type != wanted) {
      of_other_type = &parameter;
      continue;
    }
    try {
      parameter.set(set.value);
    } catch (const ConfigError& error) {
      fail(set.value_at, error.what());
    }
    return;
  }
  if (of_other_type != nullptr) {
    const std::string_view type = type_name(of_other_type->type);
    fail(set.value_at,
         fmt::format("takes {} {}, got {}", type == "integer" ? "an" : "a", type, describe(set.value)));
  }
  fail(set.where, fmt::format("no such parameter; {}", list_parameters(module.name(), parameters)));
}

}  // namespace

bool matches_any(const SetParameter& set, std::span<httpd::Module* const> loaded) {
  const ModulePattern pattern(set.module_pattern, set.where);
  return std::ranges::any_of(loaded, [&](const Module* module) { return pattern.matches(module->name()); });
}

void apply_parameter(const SetParameter& set, std::span<httpd::Module* const> loaded) {
  const ModulePattern pattern(set.module_pattern, set.where);
  bool found = false;
  for (Module* module : loaded) {
    if (!pattern.matches(module->name())) continue;
    found = true;
    apply_to_module(set, *module);
  }
  if (found) return;
  std::vector<std::string_view> names;
  names.reserve(loaded.size());
  for (const Module* module : loaded)
    names.push_back(module->name());
  fail_at(set.where,
          fmt::format("modparam \"{}\" \"{}\": no loaded module matches; loadmodule must come first "
                      "(loaded: {})",
                      printable(set.module_pattern), printable(set.name),
                      names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

}  // namespace httpd::daemon
