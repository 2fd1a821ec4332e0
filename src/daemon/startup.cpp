// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/startup.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <utility>

#include "capi/c_api.h"
#include "daemon/config/module_loader.h"
#include "daemon/config/parameters.h"
#include "daemon/config/script.h"
#include "daemon/daemon_log.h"
#include "daemon/httpd_module.h"
#include "daemon/httpd_process.h"
#include "daemon/inherited_sockets.h"
#include "daemon/mi/commands.h"
#include "daemon/mi/registry.h"
#include "daemon/pid_file.h"
#include "daemon/privileges.h"
#include "daemon/reconfigurer.h"
#include "daemon/reload_requests.h"
#include "daemon/shared_state.h"
#include "daemon/supervisor.h"
#include "daemon/version.h"
#include "daemon/worker_process.h"
#include "http/wipe.h"
#include "process/meeting_point.h"
#include "server/endpoints.h"
#include "server/reload.h"
#include "server/reload_channel.h"
#include "server/router.h"
#include "server/settings.h"
#include "server/startup_advice.h"
#include "server/tls_settings.h"

namespace httpd::daemon {
namespace {

constexpr std::string_view kHttpd = "HTTPD ";
/// Requests wait for a handler process; one that ends it, and comes again and again, is to cost little all
/// the same.
constexpr Supervisor::Restart kWorkerRestart{std::chrono::milliseconds(50), std::chrono::milliseconds(200)};
constexpr std::size_t kMaxUrls = sizeof(ProcessSlot::description) - 1 - kHttpd.size();

/// What a module's own process sees of the daemon.
class ModuleProcess final : public Process {
 public:
  explicit ModuleProcess(Supervisor& attendant) noexcept : attendant_(attendant) {}
  [[nodiscard]] int stop_descriptor() const noexcept override { return signals_.get(); }
  void ready() noexcept override {
    if (!std::exchange(ready_, true)) attendant_.notify_ready();
  }

 private:
  Supervisor& attendant_;
  bool ready_ = false;
  SignalDescriptor signals_{SIGTERM};
};

/// Everything that lives as long as the daemon does, in the order in which it is needed.
class Daemon final : private Host {
 public:
  Daemon(const Options& options, std::vector<std::string> arguments)
      : options_(options),
        privileges_(options.user, options.group),
        state_(std::move(arguments), router_),
        log_(state_),
        reconfigurer_(options_, router_, state_, log_),
        registry_(log_),
        loader_(module_directory(),
                {{"httpd", [this] { return std::make_unique<HttpdModule>(in_force_.settings, reloads_); }}}) {
  }

  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  // Handlers may use their modules to the last, and modules the host.
  ~Daemon() override { router_ = server::Router(); }

  Log& log() noexcept override { return log_; }

  void configure();
  void check();
  int serve();

 private:
  void register_root(std::string_view module, std::string_view root,
                     std::unique_ptr<Handler> handler) override {
    router_.add(module, root, std::move(handler));
  }
  void add_process(std::string description, std::function<void(Process&)> main) override;
  Mi& mi() noexcept override { return registry_; }

  void run_script();
  void init_modules();
  void read_files();
  void open_endpoints();
  static void on_hangup(ReloadRequests& reloads);
  void drop_privileges();
  void add_workers(Supervisor& supervisor);
  [[nodiscard]] std::string httpd_description() const;
  void announce();
  [[nodiscard]] std::string status() const;

  struct ExtraProcess {
    std::string description;
    std::function<void(Process&)> main;
  };

  const Options& options_;
  const Privileges privileges_;
  InForce in_force_;
  server::Router router_;
  server::ReloadChannel reloads_;
  std::optional<process::MeetingPoint> workers_;
  SharedState state_;
  DaemonLog log_;
  Reconfigurer reconfigurer_;
  MiRegistry registry_;
  std::unique_ptr<capi::CApi> c_api_;
  std::optional<capi::CApi::Current> current_c_api_;
  ModuleLoader loader_;
  std::vector<ExtraProcess> extra_processes_;
  std::vector<server::ListenAddress> listeners_;
  std::vector<server::Endpoint> endpoints_;
};

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
}

/// SIGHUP came. What else is to begin anew then has its place here.
void Daemon::on_hangup(ReloadRequests& reloads) {
  reloads.request();
}

void Daemon::check() {
  read_files();
  server::check_endpoints(listeners_, program_path());
  init_modules();
}

int Daemon::serve() {
  // As whoever started the daemon: what its own user may not be allowed to have.
  read_files();
  open_endpoints();
  if (in_force_.settings.workers != 0) workers_.emplace();
  std::optional<PidFile> pid_file;
  if (!options_.pid_file.empty()) pid_file.emplace(options_.pid_file);
  // As its own user: all code that is not the daemon's.
  drop_privileges();
  init_modules();

  Supervisor supervisor(state_, log_);
  supervisor.add(httpd_description(), [this](Supervisor& attendant) {
    const HttpdProcess process{in_force_.settings, router_,
                               endpoints_,         in_force_.tls,
                               in_force_.users,    reloads_,
                               reconfigurer_,      workers_ ? &*workers_ : nullptr,
                               state_.board(),     attendant.is_restart(),
                               state_.counters(),  log_};
    return run_httpd_process(process, [&attendant] { attendant.notify_ready(); });
  });
  add_workers(supervisor);
  for (const ExtraProcess& extra : extra_processes_)
    supervisor.add(extra.description, [this, &extra](Supervisor& attendant) {
      endpoints_.clear();  // so that the port is free once the HTTPD process has ended
      ModuleProcess process(attendant);
      extra.main(process);
      return 0;
    });
  supervisor.watch(reconfigurer_.descriptor(), [this] { reconfigurer_.take(in_force_); });
  ReloadRequests reloads(
      supervisor, reloads_, [this] { return status(); }, log_);
  const int status = supervisor.run({.on_ready = [this] { announce(); },
                                     .on_reload = [&reloads] { on_hangup(reloads); },
                                     .on_stop =
                                         [this] {
                                           ::sd_notify(0, "STOPPING=1");
                                           endpoints_.clear();
                                         },
                                     // The process before may have ended just after a change.
                                     .on_start = [this] { reconfigurer_.take(in_force_); }});
  if (status == 0) log_.write(LogLevel::kNotice, "stopped");
  return status;
}

void Daemon::add_workers(Supervisor& supervisor) {
  for (std::uint32_t index = 0; index < in_force_.settings.workers; ++index)
    supervisor.add(
        fmt::format("HTTPD worker {}", index + 1),
        [this, index](Supervisor& attendant) {
          endpoints_.clear();  // so that the port is free once the HTTPD process has ended
          return run_worker_process({in_force_.settings, router_, *workers_, index, log_},
                                    [&attendant] { attendant.notify_ready(); });
        },
        kWorkerRestart);
}

/// The name of the HTTPD process in `ps`: with all URLs, or with the first where they are too long.
std::string Daemon::httpd_description() const {
  return std::string(kHttpd) + server::urls(endpoints_, kMaxUrls);
}

void Daemon::announce() {
  server::announce(endpoints_, router_, log_);
  ::sd_notify(0, ("READY=1\nSTATUS=" + status()).c_str());
}

std::string Daemon::status() const {
  return "listening on " + server::urls(endpoints_);
}

}  // namespace

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
