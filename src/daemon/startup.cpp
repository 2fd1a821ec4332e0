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
#include "daemon/shared_state.h"
#include "daemon/supervisor.h"
#include "daemon/version.h"
#include "daemon/worker_process.h"
#include "http/wipe.h"
#include "process/access_log/log_channel.h"
#include "process/access_log/log_sink.h"
#include "process/access_log/log_writer.h"
#include "process/meeting_point.h"
#include "server/endpoints.h"
#include "server/health.h"
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
/// Lines wait for it, and only so many.
constexpr Supervisor::Restart kWriterRestart{std::chrono::milliseconds(1000),
                                             std::chrono::milliseconds(1000)};
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
        registry_(log_),
        loader_(module_directory(),
                {{"httpd",
                  [this] { return std::make_unique<HttpdModule>(settings_, reloads_, log_channel_); }}}) {}

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
  const Metrics& metrics() const noexcept override { return state_; }

  void run_script();
  void init_modules();
  void read_files();
  void open_endpoints();
  void reload();
  void drop_privileges();
  void add_workers(Supervisor& supervisor);
  void open_access_log();
  void add_log_writer(Supervisor& supervisor);
  void reopen_access_log();
  void leave_sockets();
  [[nodiscard]] std::string httpd_description() const;
  void announce();

  struct ExtraProcess {
    std::string description;
    std::function<void(Process&)> main;
  };

  const Options& options_;
  const Privileges privileges_;
  server::Settings settings_;
  server::Router router_;
  server::HealthHandler* health_ = nullptr;  // of the router
  server::ReloadChannel reloads_;
  std::optional<process::MeetingPoint> workers_;
  std::optional<process::LogChannel> log_channel_;  // where there is an access log
  std::unique_ptr<process::LogSink> log_sink_;
  std::shared_ptr<const net::TlsCredentials> credentials_;  // shared with the sessions that begin with them
  std::shared_ptr<const server::Credentials> users_;        // shared with the checks that begin with them
  SharedState state_;
  DaemonLog log_;
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
      capi::CApiSettings{.buf_size = settings_.buf_size,
                         .keep_ready = private_memory / 4,
                         .hands_on = settings_.workers > 0},
      log_);
  current_c_api_.emplace(*c_api_);
  server::check_access(settings_.access, settings_.tls.options.verify_client != net::TlsVerifyClient::kNone);
  listeners_ = server::listeners_of(settings_);
}

void Daemon::run_script() {
  for (Statement& statement : read_script(options_.config_file)) {
    if (const auto* const level = std::get_if<SetLogLevel>(&statement)) {
      state_.set_log_level(level->level);
    } else if (const auto* const path = std::get_if<SetModulePath>(&statement)) {
      loader_.add_path(path->path);
    } else if (const auto* const load = std::get_if<LoadModule>(&statement)) {
      loader_.load(*load);
    } else {
      SetParameter& parameter = std::get<SetParameter>(statement);
      apply_parameter(parameter, loader_.loaded());
      if (auto* const text = std::get_if<std::string>(&parameter.value)) http::wipe(*text);
    }
  }
  if (options_.debug) state_.set_log_level(static_cast<int>(LogLevel::kDebug));
  if (options_.more_log > 0) state_.set_log_level(state_.log_level() + options_.more_log);
}

void Daemon::init_modules() {
  health_ = server::register_health(settings_, router_);
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
  server::check_rules(settings_.access.rules, router_);
  server::check_compression(settings_.compression, router_);
}

void Daemon::read_files() {
  users_ = server::load_credentials(settings_);
  credentials_ = server::load_tls(settings_.tls, log_);
  if (credentials_ != nullptr) server::advise(*credentials_, log_);
}

void Daemon::open_endpoints() {
  try {
    endpoints_ = server::open_endpoints(listeners_, take_inherited_sockets(), program_path());
  } catch (const std::system_error& error) {
    throw ConfigError(error.what());
  }
  server::advise_on_endpoints(settings_, endpoints_, log_);
}

void Daemon::drop_privileges() {
  if (!privileges_.requested()) return;
  privileges_.drop();
  log_.write(LogLevel::kInfo, "running as " + privileges_.text());
  server::advise_on_unreadable_files(settings_, privileges_.text(), log_);
  try {
    process::check_log_sink(settings_.access_log);
  } catch (const ConfigError& error) {
    log_.write(LogLevel::kWarning, fmt::format("{}, as {}: opening it again after a rotation will fail",
                                               error.what(), privileges_.text()));
  }
}

void Daemon::reload() {
  if (!settings_.tls.configured() && server::files_of(settings_.access.auth).empty()) {
    log_.write(
        LogLevel::kNotice,
        "SIGHUP: there are no files of TLS, users or tokens to read again, and everything else takes a "
        "restart");
  } else if (!reloads_.request_only()) {
    log_.write(LogLevel::kError, "SIGHUP: too many reloads are waiting for the HTTPD process already");
  }
}

void Daemon::check() {
  read_files();
  process::check_log_sink(settings_.access_log);
  server::check_endpoints(listeners_, program_path());
  init_modules();
}

int Daemon::serve() {
  // As whoever started the daemon: what its own user may not be allowed to have.
  read_files();
  open_endpoints();
  open_access_log();
  if (settings_.workers != 0) workers_.emplace();
  std::optional<PidFile> pid_file;
  if (!options_.pid_file.empty()) pid_file.emplace(options_.pid_file);
  // As its own user: all code that is not the daemon's.
  drop_privileges();
  init_modules();

  server::RequestStatistics& requests = state_.count_requests(settings_.workers != 0);

  Supervisor supervisor(state_, log_);
  supervisor.add(httpd_description(), [this, &requests](Supervisor& attendant) {
    if (log_sink_ != nullptr) log_sink_->let_go();
    const HttpdProcess process{settings_,
                               router_,
                               endpoints_,
                               credentials_,
                               users_,
                               reloads_,
                               log_channel_ ? &*log_channel_ : nullptr,
                               workers_ ? &*workers_ : nullptr,
                               state_.board(),
                               attendant.is_restart(),
                               state_.counters(),
                               requests,
                               health_,
                               log_};
    return run_httpd_process(process, [&attendant] { attendant.notify_ready(); });
  });
  add_workers(supervisor);
  add_log_writer(supervisor);
  for (const ExtraProcess& extra : extra_processes_)
    supervisor.add(extra.description, [this, &extra](Supervisor& attendant) {
      leave_sockets();
      ModuleProcess process(attendant);
      extra.main(process);
      return 0;
    });
  const int status = supervisor.run({[this] { announce(); },
                                     [this] {
                                       reopen_access_log();
                                       reload();
                                     },
                                     [this] {
                                       ::sd_notify(0, "STOPPING=1");
                                       endpoints_.clear();
                                       if (log_channel_) log_channel_->leave_sending();
                                     },
                                     [this] { reopen_access_log(); }});
  if (status == 0) log_.write(LogLevel::kNotice, "stopped");
  return status;
}

void Daemon::add_workers(Supervisor& supervisor) {
  for (std::uint32_t index = 0; index < settings_.workers; ++index)
    supervisor.add(
        fmt::format("HTTPD worker {}", index + 1),
        [this, index](Supervisor& attendant) {
          leave_sockets();
          return run_worker_process({settings_, router_, *workers_, index, log_},
                                    [&attendant] { attendant.notify_ready(); });
        },
        kWorkerRestart);
}

void Daemon::open_access_log() {
  if (!settings_.access_log.on()) return;
  log_sink_ = process::open_log_sink(settings_.access_log, {privileges_.user(), privileges_.group()});
  log_channel_.emplace();
}

void Daemon::add_log_writer(Supervisor& supervisor) {
  if (log_sink_ == nullptr) return;
  supervisor.add(
      "HTTPD access log",
      [this](Supervisor& attendant) {
        endpoints_.clear();
        log_channel_->leave_sending();
        process::LogWriter writer(*log_channel_, *log_sink_, state_.counters(), log_);
        attendant.notify_ready();
        // Until the HTTPD process has ended: SIGTERM, which all get at once, stays blocked.
        writer.run();
        return 0;
      },
      kWriterRestart);
}

void Daemon::reopen_access_log() {
  if (log_channel_) log_channel_->request_reopen();
}

/// In processes that neither serve nor write the access log: so that the port is free, and the log at its
/// end, once the HTTPD process has ended.
void Daemon::leave_sockets() {
  endpoints_.clear();
  if (log_sink_ != nullptr) log_sink_->let_go();
  if (!log_channel_) return;
  log_channel_->leave_sending();
  log_channel_->leave_receiving();
}

/// The name of the HTTPD process in `ps`: with all URLs, or with the first where they are too long.
std::string Daemon::httpd_description() const {
  return std::string(kHttpd) + server::urls(endpoints_, kMaxUrls);
}

void Daemon::announce() {
  // A writer that is started again opens the file by its name: this one may be an old one then.
  if (log_sink_ != nullptr) log_sink_->let_go();
  server::announce(endpoints_, router_, log_);
  ::sd_notify(0, fmt::format("READY=1\nSTATUS=listening on {}", server::urls(endpoints_)).c_str());
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
