// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/version.h"

#include <CLI/Version.hpp>
#include <boost/version.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/version.h>
#include <string_view>
#include <sys/auxv.h>

#include "daemon/build_info.h"

namespace httpd::daemon {

std::string version() {
  return "opensips-httpd (" HTTPD_VERSION " (" HTTPD_SYSTEM "))";
}

std::string version_number() {
  return HTTPD_VERSION;
}

std::string revision() {
  return HTTPD_REVISION;
}

std::string version_text() {
  return fmt::format(
      "version: {}\n"
      "revision: {}\n"
      "libraries: Boost {}.{}.{}, fmt {}.{}.{}, spdlog {}.{}.{}, nlohmann-json {}.{}.{}, CLI11 {}\n"
      "compiled with {}, {}\n"
      "modules: {}\n"
      "configuration file: {}\n",
      version(), revision().empty() ? "unknown" : revision(), BOOST_VERSION / 100000,
      BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100, FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
      FMT_VERSION % 100, SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH, NLOHMANN_JSON_VERSION_MAJOR,
      NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH, CLI11_VERSION, HTTPD_COMPILER,
      HTTPD_BUILD_TYPE, module_directory(), default_config_file());
}

std::string default_config_file() {
  return HTTPD_DEFAULT_CONFIG;
}

std::string program_path() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  // Without /proc; a name that was not found through PATH has a slash.
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel gives addresses as numbers
  const auto* const started_as = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return error ? std::string(started_as != nullptr ? started_as : "opensips-httpd") : path.string();
}

std::string module_directory() {
  std::error_code error;
  const std::filesystem::path program = program_path();
  // Never relative to the working directory, where anybody may have put a module.
  if (!program.is_absolute()) return HTTPD_INSTALLED_MODULES;
  const std::filesystem::path beside =
      (program.parent_path() / HTTPD_MODULES_FROM_PROGRAM).lexically_normal();
  if (std::filesystem::is_directory(beside, error)) return beside.string();
  return HTTPD_INSTALLED_MODULES;
}

}  // namespace httpd::daemon
