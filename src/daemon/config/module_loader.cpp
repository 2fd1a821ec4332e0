// Finds and loads the modules that loadmodule lines name.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/module_loader.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "daemon/config/object_check.h"
#include "daemon/config/shared_object.h"

namespace httpd::daemon {
namespace {

/// The X of "X.so", "X", "X/X.so" and "X/X"; "" for any other name.
std::string_view module_name(std::string_view file) {
  if (file.ends_with(".so")) file.remove_suffix(3);
  const std::size_t slash = file.rfind('/');
  if (slash == std::string_view::npos) return file;
  const std::string_view name = file.substr(slash + 1);
  return file.substr(0, slash) == name ? name : std::string_view();
}

std::string_view base_name(std::string_view file) {
  return file.substr(file.rfind('/') + 1);
}

}  // namespace

ModuleLoader::ModuleLoader(std::string directory, std::vector<BuiltInModule> built_in)
    : directory_(std::move(directory)), built_in_(std::move(built_in)) {}

ModuleLoader::~ModuleLoader() {
  order_.clear();
  while (!modules_.empty())
    modules_.pop_back();
}

void ModuleLoader::add_path(std::string directory) {
  paths_.push_back(std::move(directory));
}

const BuiltInModule* ModuleLoader::find_built_in(std::string_view name) const {
  const auto found = std::find_if(built_in_.begin(), built_in_.end(),
                                  [name](const BuiltInModule& module) { return module.name == name; });
  return found != built_in_.end() ? &*found : nullptr;
}

std::vector<std::string> ModuleLoader::candidates(const std::string& file, std::string_view name) const {
  if (file.front() == '/') return {file, fmt::format("{}/{}", directory_, base_name(file))};
  std::vector<std::string> out;
  const auto add = [&](const std::string& directory) {
    if (name.empty()) {
      out.push_back(fmt::format("{}/{}", directory, file));
    } else {
      out.push_back(fmt::format("{}/{}.so", directory, name));
      out.push_back(fmt::format("{0}/{1}/{1}.so", directory, name));
    }
  };
  add(directory_);
  for (const std::string& path : paths_)
    add(path);
  if (paths_.empty() && file.find('/') != std::string::npos) out.push_back(file);
  return out;
}

std::string ModuleLoader::find_file(const LoadModule& line, std::string_view name) const {
  std::vector<std::string> failures;
  for (std::string& path : candidates(line.file, name)) {
    const std::optional<std::string> why = why_not_a_module(path);
    if (!why) return std::move(path);
    failures.push_back(fmt::format("{}: {}", path, *why));
  }
  std::vector<std::string_view> names;
  names.reserve(built_in_.size());
  for (const BuiltInModule& module : built_in_)
    names.push_back(module.name);
  fail_at(line.where, fmt::format("cannot load module \"{}\"; looked at {}; built in: {}",
                                  printable(line.file), fmt::join(failures, ", "),
                                  names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

void ModuleLoader::refuse_second(const LoadModule& line, std::string_view name) const {
  for (const Loaded& loaded : modules_) {
    if (loaded.module->name() == name) {
      fail_at(line.where,
              fmt::format("module {} is already loaded, by the line at {}", name, loaded.where.text()));
    }
  }
}

httpd::Module& ModuleLoader::load(const LoadModule& line) {
  if (line.file.empty()) fail_at(line.where, "expected the file name of a module, found \"\"");
  std::string_view name = module_name(line.file);
  if (line.file.front() == '/' && why_not_a_module(line.file)) {
    const std::string_view base = module_name(base_name(line.file));
    if (find_built_in(base) != nullptr) name = base;
  }
  std::unique_ptr<Module> module;
  if (const BuiltInModule* built_in = find_built_in(name)) {
    refuse_second(line, name);
    module = built_in->make();
  } else {
    const std::string path = find_file(line, name);
    try {
      module = open_module(path);
    } catch (const ConfigError& error) {
      fail_at(line.where, fmt::format("cannot load module {}", error.what()));
    }
    refuse_second(line, module->name());
  }
  modules_.push_back({line.where, std::move(module)});
  order_.push_back(modules_.back().module.get());
  return *order_.back();
}

}  // namespace httpd::daemon
