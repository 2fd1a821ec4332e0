// A module written in C, as the host sees modules.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/c_module.h"

#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <string>
#include <utility>

#include <httpd/parameter.h>

namespace httpd::daemon {

CModule::CModule(const httpd_module_exports& exports) : exports_(exports) {
  // First: with another version nothing behind this field can be trusted to stand where it is looked for.
  if (exports.abi != HTTPD_C_MODULE_ABI) {
    throw ConfigError(
        fmt::format("built for version {} of the C module interface, this daemon has version {}", exports.abi,
                    HTTPD_C_MODULE_ABI));
  }
  if (exports.name == nullptr || *exports.name == '\0') throw ConfigError("httpd_module has no name");
  if (exports.mod_init == nullptr) throw ConfigError("httpd_module has no mod_init");
  for (const httpd_module_param* param = exports.params; param != nullptr && param->name != nullptr;
       ++param) {
    if (param->target == nullptr) throw ConfigError(fmt::format("parameter {} has no target", param->name));
    if (param->type != HTTPD_STR_PARAM && param->type != HTTPD_INT_PARAM) {
      throw ConfigError(
          fmt::format("parameter {} has the unknown type {}", param->name, static_cast<int>(param->type)));
    }
  }
}

CModule::~CModule() {
  if (initialised_ && exports_.destroy != nullptr) exports_.destroy();
}

Parameter CModule::adapt(const httpd_module_param& param) {
  if (param.type == HTTPD_INT_PARAM) {
    using Limits = std::numeric_limits<int>;
    return integer_parameter(
        param.name, Limits::min(), Limits::max(),
        [target = param.target](long long value) { *static_cast<int*>(target) = static_cast<int>(value); });
  }
  return string_parameter(param.name, [this, target = param.target](const std::string& value) {
    auto text = std::make_unique<char[]>(value.size() + 1);
    std::memcpy(text.get(), value.c_str(), value.size() + 1);
    *static_cast<char**>(target) = text.get();
    // The text it replaces is kept too: the module may have copied the pointer.
    texts_.push_back(std::move(text));
  });
}

std::vector<Parameter> CModule::parameters() {
  std::vector<Parameter> out;
  for (const httpd_module_param* param = exports_.params; param != nullptr && param->name != nullptr;
       ++param) {
    out.push_back(adapt(*param));
  }
  return out;
}

void CModule::init(Host& host) {
  static_cast<void>(host);
  if (exports_.mod_init() != 0) {
    throw ConfigError(fmt::format("mod_init of module {} failed; see the lines above", exports_.name));
  }
  initialised_ = true;
}

}  // namespace httpd::daemon
