// The MI commands about commands, processes and the daemon itself.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/commands.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "daemon/mi/jsonrpc.h"
#include "daemon/mi/params.h"

namespace httpd::daemon {
namespace {

/// A command of the module core, with its name of OpenSIPS 4.0 as the alias.
MiCommand core_command(const std::string& name, std::string help, std::vector<MiRecipe> recipes) {
  return {name, {"core:" + name}, "core", std::move(help), std::move(recipes)};
}

MiError unknown_command() {
  return {404, "unknown MI command"};
}

MiResult list_roots(const DaemonState& state) {
  MiResult result = MiResult::array();
  for (const Root& root : state.roots())
    result.push_back({{"http_root", root.root}, {"module", root.module}});
  return result;
}

MiResult list_requests(const DaemonState& state) {
  using State = server::RequestBoard::State;
  MiResult with_handlers = MiResult::array();
  MiResult waiting = MiResult::array();
  for (const server::RequestBoard::Entry& entry : state.requests()) {
    MiResult request = {{"Root", entry.root},
                        {"Request", entry.request},
                        {"Client", entry.client},
                        {"State", server::RequestBoard::name(entry.state)},
                        {"Seconds", std::chrono::duration<double>(entry.since).count()}};
    if (entry.state == State::kQueued) {
      waiting.push_back(std::move(request));
    } else {
      request["PID"] = entry.process;
      with_handlers.push_back(std::move(request));
    }
  }
  return {{"Handlers", std::move(with_handlers)}, {"Queue", std::move(waiting)}};
}

MiResult list_commands(const MiRegistry& registry) {
  MiResult result = MiResult::array();
  for (const MiCommand& command : registry.commands())
    result.push_back(command.name);
  // opensips-cli runs what is listed here and nothing else, so the names of OpenSIPS 4.0 have to be, too.
  for (const MiCommand& command : registry.commands())
    for (const std::string& alias : command.aliases)
      result.push_back(alias);
  return result;
}

/// "core:" lists the names that begin so.
MiResult list_names(const MiRegistry& registry, std::string_view prefix) {
  MiResult result = MiResult::array();
  const auto add = [&result, prefix](const std::string& name) {
    if (std::string_view(name).substr(0, prefix.size()) == prefix) result.push_back(name);
  };
  for (const MiCommand& command : registry.commands()) {
    add(command.name);
    std::for_each(command.aliases.begin(), command.aliases.end(), add);
  }
  if (result.empty()) throw unknown_command();
  return result;
}

MiResult list_recipes(const MiRegistry& registry, const std::string& name) {
  if (!name.empty() && name.back() == ':') return list_names(registry, name);
  const MiCommand* const command = registry.find(name);
  if (command == nullptr) throw unknown_command();
  MiResult result = MiResult::array();
  for (const MiRecipe& recipe : command->recipes) {
    MiResult names = MiResult::array();
    for (const std::string& param : recipe.params)
      names.push_back(param);
    result.push_back(std::move(names));
  }
  return result;
}

MiResult describe_command(const MiRegistry& registry, const std::string& name) {
  const MiCommand* const command = registry.find(name);
  if (command == nullptr) throw unknown_command();
  MiResult result = MiResult::object();
  result["Help"] = command->help.empty() ? "not available for this command" : command->help;
  if (!command->module.empty()) result["Exported by"] = command->module;
  return result;
}

MiResult list_processes(const DaemonState& state) {
  MiResult processes = MiResult::array();
  for (const ProcessInfo& process : state.processes()) {
    processes.push_back({{"ID", process.id}, {"PID", process.pid}, {"Type", process.description}});
  }
  return {{"Processes", std::move(processes)}};
}

/// As ctime() writes it, without the line's end.
std::string date_text(std::time_t time) {
  std::array<char, 64> text{};
  std::tm parts{};
  if (localtime_r(&time, &parts) == nullptr) return {};
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &parts)};
}

MiResult uptime(const DaemonState& state) {
  const std::time_t now = std::time(nullptr);
  const std::time_t start = state.start_time();
  // The clock may have been set back since.
  const std::time_t seconds = std::max<std::time_t>(now - start, 0);
  return {
      {"Now", date_text(now)}, {"Up since", date_text(start)}, {"Up time", fmt::format("{} [sec]", seconds)}};
}

MiResult version(const DaemonState& state, bool with_revision) {
  MiResult result = {{"Server", state.version()}};
  if (with_revision) result["git"] = state.revision();
  return result;
}

MiResult working_directory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::current_path(error);
  if (error) throw MiError(kJsonRpcServerError, "Server error", error.message());
  return {{"WD", path.string()}};
}

MiResult arguments(const DaemonState& state) {
  MiResult result = MiResult::array();
  for (const std::string& argument : state.arguments())
    result.push_back(argument);
  return result;
}

MiResult list_log_levels(const DaemonState& state) {
  MiResult processes = MiResult::array();
  for (const ProcessInfo& process : state.processes()) {
    processes.push_back(
        {{"PID", process.pid}, {"Log level", process.log_level}, {"Type", process.description}});
  }
  return {{"Processes", std::move(processes)}};
}

MiResult set_log_level(DaemonState& state, int level) {
  state.set_log_level(level);
  return {{"New global log level", level}};
}

/// Pid 0 means all processes, as in OpenSIPS.
MiResult set_process_log_level(DaemonState& state, int level, pid_t pid) {
  if (pid == 0) return set_log_level(state, level);
  if (!state.set_log_level(pid, level)) throw MiError(kJsonRpcInvalidParams, "Invalid params", "Bad PID");
  return {{"Log level", level}};
}

void add_registry_commands(MiRegistry& registry) {
  registry.add(core_command("which",
                            "lists all available MI commands, or the parameters that one of them takes",
                            {{{}, [&registry](const MiParams&) { return list_commands(registry); }},
                             {{"command"}, [&registry](const MiParams& params) {
                                return list_recipes(registry, string_param(params, "command"));
                              }}}));
  registry.add(core_command(
      "help", "prints information about MI commands usage",
      {{{},
        [](const MiParams&) { return MiResult("Usage: help mi_cmd - returns information about 'mi_cmd'"); }},
       {{"mi_cmd"}, [&registry](const MiParams& params) {
          return describe_command(registry, string_param(params, "mi_cmd"));
        }}}));
}

void add_process_commands(MiRegistry& registry, DaemonState& state) {
  registry.add(core_command("ps", "lists all processes of the daemon",
                            {{{}, [&state](const MiParams&) { return list_processes(state); }}}));
  registry.add(core_command("uptime",
                            "prints when the daemon was started and for how long it has been running",
                            {{{}, [&state](const MiParams&) { return uptime(state); }}}));
  registry.add(core_command("version",
                            "prints the version of the running daemon, on request with its revision",
                            {{{}, [&state](const MiParams&) { return version(state, false); }},
                             {{"revision"}, [&state](const MiParams&) { return version(state, true); }}}));
  registry.add(core_command("pwd", "prints the working directory of the daemon",
                            {{{}, [](const MiParams&) { return working_directory(); }}}));
  registry.add(core_command("arg", "returns the full list of arguments used at start",
                            {{{}, [&state](const MiParams&) { return arguments(state); }}}));
  registry.add(core_command(
      "log_level", "gets the log levels, or sets that of all processes or of one",
      {{{}, [&state](const MiParams&) { return list_log_levels(state); }},
       {{"level"},
        [&state](const MiParams& params) { return set_log_level(state, int_param(params, "level")); }},
       {{"level", "pid"}, [&state](const MiParams& params) {
          return set_process_log_level(state, int_param(params, "level"), int_param(params, "pid"));
        }}}));
}

}  // namespace

void add_daemon_commands(MiRegistry& registry, DaemonState& state) {
  registry.add({"httpd_list_root_path",
                {"httpd:list_root_path"},
                "httpd",
                "lists the registered root paths and the modules that they belong to",
                {{{}, [&state](const MiParams&) { return list_roots(state); }}}});
  registry.add(
      {"httpd_requests",
       {"httpd:requests"},
       "httpd",
       "lists the requests that are with handlers, where and since when, and those that wait for one",
       {{{}, [&state](const MiParams&) { return list_requests(state); }}}});
  add_registry_commands(registry);
  add_process_commands(registry, state);
  add_statistics_commands(registry, state);
}

}  // namespace httpd::daemon
