// From a configuration file to a daemon that can serve. SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/startup.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "daemon/config/parameters.h"
#include "daemon/config/script.h"
#include "daemon/daemon.h"
#include "daemon/httpd_module.h"
#include "daemon/inherited_sockets.h"
#include "daemon/mi/commands.h"
#include "daemon/version.h"
#include "http/wipe.h"
#include "server/reload.h"
#include "server/startup_advice.h"
#include "server/tls_settings.h"

namespace httpd::daemon {

Daemon::Daemon(const Options& options, std::vector<std::string> arguments)
    : options_(options),
      command_(start_command(arguments)),
      predecessor_(Predecessor::find()),
      privileges_(options.user, options.group),
      state_(std::move(arguments), router_),
      monitor_(state_.counters(), state_.board(), router_),
      log_(state_),
      reconfigurer_(options_, router_, state_, log_),
      registry_(log_),
      loader_(module_directory(), {{"httpd", [this] {
                                      return std::make_unique<HttpdModule>(in_force_.settings, reloads_,
                                                                           log_channel_);
                                    }}}) {}

void Daemon::add_process(std::string description, std::function<void(Process&)> main) {
  extra_processes_.push_back({std::move(description), std::move(main)});
}

void Daemon::configure() {
  run_script();
  const auto modules = loader_.loaded();
  if (std::ranges::none_of(modules, [](const Module* module) { return module->name() == "httpd"; }))
    throw ConfigError(options_.config_file +
                      ": there is nothing to serve; add the line: loadmodule \"httpd.so\"");
  add_daemon_commands(registry_, state_);
  const std::size_t private_memory = options_.private_memory_mb * 1024 * 1024;
  c_api_ = std::make_unique<capi::CApi>(
      [this](std::string_view module, std::string_view root, std::unique_ptr<Handler> handler) {
        register_root(module, root, std::move(handler));
      },
      capi::CApiSettings{.buf_size = in_force_.settings.buf_size,
                         .keep_ready = private_memory / 4,
                         .hands_on = in_force_.settings.workers > 0},
      log_);
  current_c_api_.emplace(*c_api_);
  server::check_access(in_force_.settings.access,
                       in_force_.settings.tls.options.verify_client != net::TlsVerifyClient::kNone);
  listeners_ = server::listeners_of(in_force_.settings);
}

void Daemon::run_script() {
  const net::SecretBytes script = read_script_text(options_.config_file);
  for (Statement& statement : parse_script({script.data(), script.size()}, options_.config_file)) {
    if (const auto* const level = std::get_if<SetLogLevel>(&statement)) {
      state_.set_log_level(level->level);
    } else if (const auto* const path = std::get_if<SetModulePath>(&statement)) {
      loader_.add_path(path->path);
    } else if (const auto* const load = std::get_if<LoadModule>(&statement)) {
      reconfigurer_.know(load->file, loader_.load(*load));
    } else {
      SetParameter& parameter = std::get<SetParameter>(statement);
      apply_parameter(parameter, loader_.loaded());
      if (auto* const text = std::get_if<std::string>(&parameter.value)) http::wipe(*text);
    }
  }
  state_.set_log_level(effective_log_level(options_, state_.log_level()));
  reconfigurer_.begin({script.data(), script.size()});
}

void Daemon::init_modules() {
  health_ = server::register_health(in_force_.settings, router_);
  for (Module* const module : loader_.loaded()) {
    try {
      module->init(*this);
    } catch (const ConfigError& error) {
      throw ConfigError(fmt::format("module {}: {}", module->name(), error.what()));
    } catch (const std::invalid_argument& error) {
      throw ConfigError(fmt::format("module {}: {}", module->name(), error.what()));
    }
    if (!c_api_->error().empty())
      throw ConfigError(fmt::format("module {}: {}", module->name(), c_api_->error()));
  }
  server::check_rules(in_force_.settings.access.rules, router_);
  server::check_compression(in_force_.settings.compression, router_);
}

void Daemon::read_files() {
  in_force_.users = server::load_credentials(in_force_.settings);
  in_force_.tls = server::load_tls(in_force_.settings.tls, log_);
  if (in_force_.tls != nullptr) server::advise(*in_force_.tls, log_);
}

void Daemon::open_endpoints() {
  try {
    endpoints_ = server::open_endpoints(listeners_, take_inherited_sockets(), program_path());
  } catch (const std::system_error& error) {
    throw ConfigError(error.what());
  }
  server::advise_on_endpoints(in_force_.settings, endpoints_, log_);
}

void Daemon::drop_privileges() {
  if (!privileges_.requested()) return;
  privileges_.drop();
  log_.write(LogLevel::kInfo, "running as " + privileges_.text());
  server::advise_on_unreadable_files(in_force_.settings, privileges_.text(), log_);
  try {
    process::check_log_sink(in_force_.settings.access_log);
  } catch (const ConfigError& error) {
    keeps_log_sink_ = true;
    log_.write(LogLevel::kWarning, fmt::format("{}, as {}: opening it again after a rotation will fail",
                                               error.what(), privileges_.text()));
  }
}

void Daemon::check() {
  read_files();
  process::check_log_sink(in_force_.settings.access_log);
  server::check_endpoints(listeners_, program_path());
  init_modules();
}

void Daemon::open_access_log() {
  const server::AccessLogSettings& settings = in_force_.settings.access_log;
  if (!settings.on()) return;
  log_sink_ = process::open_log_sink(settings, {privileges_.user(), privileges_.group()});
  log_channel_.emplace();
}

int run_daemon(const Options& options, std::vector<std::string> arguments) {
  std::optional<Daemon> daemon;
  try {
    daemon.emplace(options, std::move(arguments));
  } catch (const std::exception& error) {
    std::cerr << "opensips-httpd: " << error.what() << '\n';
    return kExitFailure;
  }
  try {
    if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0)
      throw ConfigError("cannot change to directory " + options.working_directory + ": " +
                        std::strerror(errno));
    daemon->configure();
    if (options.action == Options::Action::kCheck) {
      daemon->check();
      std::cerr << "config file ok, exiting...\n";
      return 0;
    }
    return daemon->serve();
  } catch (const std::exception& error) {
    // Said in any case, also where the script's log_level silences the log.
    if (daemon->log().enabled(LogLevel::kCritical)) {
      daemon->log().write(LogLevel::kCritical, error.what());
    } else {
      std::cerr << "opensips-httpd: " << error.what() << '\n';
    }
    return kExitFailure;
  }
}

}  // namespace httpd::daemon
