// Registration and lookup of MI commands.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/registry.h"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>
#include <vector>

#include "daemon/mi/jsonrpc.h"

namespace httpd::daemon {

void MiRegistry::add(MiCommand command) {
  Names added;
  std::vector<std::string> names = command.aliases;
  names.insert(names.begin(), command.name);
  for (const std::string& name : names) {
    if (name.empty()) {
      throw std::invalid_argument(
          fmt::format("module {} registers an MI command with no name", command.module));
    }
    const MiCommand* const other = find(name);
    if (other != nullptr || !added.emplace(name, nullptr).second) {
      throw std::invalid_argument(fmt::format("MI command {} of module {} is already registered by module {}",
                                              name, command.module,
                                              other != nullptr ? other->module : command.module));
    }
  }
  const bool runs = std::all_of(command.recipes.begin(), command.recipes.end(),
                                [](const MiRecipe& recipe) { return recipe.run != nullptr; });
  if (command.recipes.empty() || !runs) {
    throw std::invalid_argument(
        fmt::format("MI command {} of module {} has nothing to run", command.name, command.module));
  }
  const MiCommand* const place = &commands_.emplace_back(std::move(command));
  for (auto& [name, target] : added)
    target = place;
  names_.merge(added);
}

const MiCommand* MiRegistry::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

std::optional<std::string> MiRegistry::handle(std::string_view request, bool pretty) {
  try {
    return run_jsonrpc(request, pretty, *this, log_);
  } catch (const std::exception& error) {
    log_.write(LogLevel::kError, error.what());
    return R"({"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":null})";
  }
}

}  // namespace httpd::daemon
