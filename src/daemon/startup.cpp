// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/startup.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <poll.h>
#include <system_error>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <utility>

#include "capi/c_api.h"
#include "daemon/config/module_loader.h"
#include "daemon/config/parameters.h"
#include "daemon/config/script.h"
#include "daemon/daemon_log.h"
#include "daemon/flag.h"
#include "daemon/httpd_module.h"
#include "daemon/httpd_process.h"
#include "daemon/inherited_sockets.h"
#include "daemon/mi/commands.h"
#include "daemon/mi/registry.h"
#include "daemon/pid_file.h"
#include "daemon/predecessor.h"
#include "daemon/privileges.h"
#include "daemon/reconfigurer.h"
#include "daemon/reload_requests.h"
#include "daemon/shared_state.h"
#include "daemon/supervisor.h"
#include "daemon/upgrade.h"
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
  /// `predecessor`: null where none is to be told.
  ModuleProcess(Supervisor& attendant, Predecessor* predecessor) noexcept
      : attendant_(attendant), predecessor_(predecessor) {}
  /// False when the end came first.
  [[nodiscard]] bool wait_for(const Flag& flag) const noexcept {
    std::array<pollfd, 2> waiting{pollfd{flag.descriptor(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
    while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
    }
    return waiting[1].revents == 0;
  }
  [[nodiscard]] int stop_descriptor() const noexcept override { return signals_.get(); }
  void ready() noexcept override {
    if (std::exchange(ready_, true)) return;
    if (predecessor_ != nullptr) return predecessor_->let_go();
    attendant_.notify_ready();
  }
  [[nodiscard]] bool takes_over() const noexcept override {
    return predecessor_ != nullptr && !attendant_.is_restart();
  }

 private:
  Supervisor& attendant_;
  Predecessor* predecessor_;
  bool ready_ = false;
  SignalDescriptor signals_{SIGTERM};
};

/// Everything that lives as long as the daemon does, in the order in which it is needed.
class Daemon final : private Host {
 public:
  Daemon(const Options& options, std::vector<std::string> arguments)
      : options_(options),
        command_(start_command(arguments)),
        predecessor_(Predecessor::find()),
        privileges_(options.user, options.group),
        state_(std::move(arguments), router_),
        log_(state_),
        reconfigurer_(options_, router_, state_, log_),
        registry_(log_),
        loader_(module_directory(), {{"httpd", [this] {
                                        return std::make_unique<HttpdModule>(in_force_.settings, reloads_,
                                                                             log_channel_);
                                      }}}) {}

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
  void drop_privileges();
  void add_processes(Supervisor& supervisor);
  void close_endpoints(Supervisor& supervisor);
  void open_access_log();
  void add_log_writer(Supervisor& supervisor);
  void reopen_access_log();
  void leave_sockets();
  [[nodiscard]] std::string httpd_description() const;
  void on_ready();
  [[nodiscard]] std::string status() const;

  struct ExtraProcess {
    std::string description;
    std::function<void(Process&)> main;
  };
  int run_module_process(const ExtraProcess& extra, Supervisor& attendant);

  const Options& options_;
  const StartCommand command_;
  std::optional<Predecessor> predecessor_;
  Flag may_serve_;    // raised once the predecessor, if there is one, gives way
  Flag shall_leave_;  // raised once another daemon serves in place of this one
  const Privileges privileges_;
  InForce in_force_;
  server::Router router_;
  server::HealthHandler* health_ = nullptr;  // of the router
  server::ReloadChannel reloads_;
  std::optional<process::MeetingPoint> workers_;
  std::optional<process::LogChannel> log_channel_;  // where there is an access log
  std::unique_ptr<process::LogSink> log_sink_;
  bool keeps_log_sink_ = false;  // it could not be opened again
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

int Daemon::serve() {
  // As whoever started the daemon: what its own user may not be allowed to have.
  read_files();
  open_endpoints();
  open_access_log();
  if (in_force_.settings.workers != 0) workers_.emplace();
  std::optional<PidFile> pid_file;
  net::UniqueFd handed_over = predecessor_ ? predecessor_->take_pid_file() : net::UniqueFd();
  if (handed_over) {
    pid_file.emplace(options_.pid_file, std::move(handed_over));
  } else if (!options_.pid_file.empty()) {
    pid_file.emplace(options_.pid_file);
  }
  // As its own user: all code that is not the daemon's.
  drop_privileges();
  init_modules();

  Supervisor supervisor(state_, log_);
  add_processes(supervisor);
  ReloadRequests reloads(
      supervisor, reloads_, [this] { return status(); }, log_);
  Upgrade upgrade(
      command_, supervisor, endpoints_, pid_file ? &*pid_file : nullptr,
      [&] {
        endpoints_.clear();
        if (log_channel_) log_channel_->leave_sending();
        shall_leave_.raise();
        supervisor.leave(in_force_.settings.upgrade_timeout);
      },
      log_);
  const auto reopen = [&] {
    reopen_access_log();
    upgrade.pass_on(SIGUSR1);
  };
  supervisor.watch(reconfigurer_.descriptor(), [&] {
    reconfigurer_.take(in_force_);
    upgrade.pass_on(SIGHUP);
  });
  const int status = supervisor.run(
      {.on_ready = [this] { on_ready(); },
       .on_reload =
           [&] {
             reopen();
             reloads.request();
           },
       .on_stop =
           [&] {
             ::sd_notify(0, "STOPPING=1");
             upgrade.cancel();
             close_endpoints(supervisor);
             if (log_channel_) log_channel_->leave_sending();
           },
       .on_reopen = reopen,
       .on_upgrade = [&upgrade] { upgrade.begin(); },
       .patience =
           [this] {
             return Supervisor::Patience{in_force_.settings.drain_delay, in_force_.settings.drain_timeout};
           },
       // The process before may have ended just after a change.
       .on_start = [this] { reconfigurer_.take(in_force_); }});
  if (status == 0)
    log_.write(LogLevel::kNotice, upgrade.done() ? "stopped: another daemon serves" : "stopped");
  return status;
}

/// The end has begun. While everything is still served, the file of a Unix socket is needed.
void Daemon::close_endpoints(Supervisor& supervisor) {
  const std::chrono::seconds delay = in_force_.settings.drain_delay;
  if (delay == std::chrono::seconds::zero()) return endpoints_.clear();
  supervisor.after(delay, [this] { endpoints_.clear(); });
}

void Daemon::add_processes(Supervisor& supervisor) {
  server::RequestStatistics& requests = state_.count_requests(in_force_.settings.workers != 0);
  supervisor.add(httpd_description(), [this, &requests](Supervisor& attendant) {
    if (predecessor_) predecessor_->let_go();
    if (log_sink_ != nullptr) log_sink_->let_go();
    const HttpdProcess process{in_force_.settings,
                               router_,
                               endpoints_,
                               in_force_.tls,
                               in_force_.users,
                               reloads_,
                               log_channel_ ? &*log_channel_ : nullptr,
                               reconfigurer_,
                               workers_ ? &*workers_ : nullptr,
                               state_.board(),
                               predecessor_ ? may_serve_.descriptor() : -1,
                               shall_leave_.descriptor(),
                               attendant.is_restart(),
                               state_.counters(),
                               requests,
                               health_,
                               log_};
    return run_httpd_process(process, [&attendant] { attendant.notify_ready(); });
  });
  add_log_writer(supervisor);
  for (std::uint32_t index = 0; index < in_force_.settings.workers; ++index)
    supervisor.add(
        fmt::format("HTTPD worker {}", index + 1),
        [this, index](Supervisor& attendant) {
          if (predecessor_) predecessor_->let_go();
          leave_sockets();
          return run_worker_process({in_force_.settings, router_, *workers_, index, log_},
                                    [&attendant] { attendant.notify_ready(); });
        },
        kWorkerRestart, Supervisor::Role::kWorker);
  for (const ExtraProcess& extra : extra_processes_)
    supervisor.add(
        extra.description,
        [this, &extra](Supervisor& attendant) {
          leave_sockets();
          return run_module_process(extra, attendant);
        },
        Supervisor::Role::kModule);
}

int Daemon::run_module_process(const ExtraProcess& extra, Supervisor& attendant) {
  ModuleProcess process(attendant, predecessor_ ? &*predecessor_ : nullptr);
  if (predecessor_) {
    // What it makes would be in the way of the daemon before this one, which goes on if anything fails.
    attendant.notify_ready();
    if (!process.wait_for(may_serve_)) return 0;
  }
  extra.main(process);
  return 0;
}

void Daemon::open_access_log() {
  const server::AccessLogSettings& settings = in_force_.settings.access_log;
  if (!settings.on()) return;
  log_sink_ = process::open_log_sink(settings, {privileges_.user(), privileges_.group()});
  log_channel_.emplace();
}

void Daemon::add_log_writer(Supervisor& supervisor) {
  if (log_sink_ == nullptr) return;
  supervisor.add(
      "HTTPD access log",
      [this](Supervisor& attendant) {
        if (predecessor_) predecessor_->let_go();
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

void Daemon::on_ready() {
  // A writer that is started again opens the file by its name: this one may be an old one then.
  if (log_sink_ != nullptr && !keeps_log_sink_) log_sink_->let_go();
  if (predecessor_) {
    predecessor_->tell_ready();
    may_serve_.raise();
    for (server::Endpoint& endpoint : endpoints_)
      if (endpoint.takes_file) endpoint.socket.own_file();
    predecessor_->let_go();
    // It may have been renamed since it was opened, by somebody who told the predecessor alone.
    reopen_access_log();
  }
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
