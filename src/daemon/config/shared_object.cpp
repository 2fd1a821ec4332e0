// Makes a module from a shared object.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/shared_object.h"

#include <dlfcn.h>
#include <exception>
#include <fmt/format.h>

#include "daemon/config/c_module.h"

namespace httpd::daemon {
namespace {

struct CloseObject {
  void operator()(void* handle) const noexcept { dlclose(handle); }
};

std::unique_ptr<Module> make_cpp_module(void* object) {
  const auto* abi = static_cast<const int*>(dlsym(object, "httpd_module_abi"));
  const auto create = reinterpret_cast<Module* (*)()>(dlsym(object, "httpd_module_create"));
  if (abi == nullptr || create == nullptr) return nullptr;
  if (*abi != HTTPD_MODULE_ABI) {
    throw ConfigError(
        fmt::format("built for version {} of the C++ module interface, this daemon has version {}", *abi,
                    HTTPD_MODULE_ABI));
  }
  std::unique_ptr<Module> module(create());
  if (module == nullptr) throw ConfigError("httpd_module_create returned nothing");
  if (module->name().empty()) throw ConfigError("the module has no name");
  return module;
}

std::unique_ptr<Module> make_module(void* object) {
  if (auto module = make_cpp_module(object)) return module;
  const auto* exports = static_cast<const httpd_module_exports*>(dlsym(object, "httpd_module"));
  if (exports != nullptr) return std::make_unique<CModule>(*exports);
  throw ConfigError("not a module of opensips-httpd (an OpenSIPS module cannot be loaded here)");
}

}  // namespace

std::unique_ptr<httpd::Module> open_module(const std::string& path) {
  std::unique_ptr<void, CloseObject> object(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (object == nullptr) {
    // dlerror() begins with the path where that helps, and else with the library that is missing.
    const char* why = dlerror();
    throw ConfigError(fmt::format("{}: {}", path, why != nullptr ? why : "dlopen failed"));
  }
  std::string failure;
  try {
    auto module = make_module(object.get());
    static_cast<void>(object.release());
    return module;
  } catch (const std::exception& error) {
    failure = error.what();
  }
  // Thrown anew: the caught exception's type may live in the object that is closed on the way out.
  throw ConfigError(fmt::format("{}: {}", path, failure));
}

}  // namespace httpd::daemon
