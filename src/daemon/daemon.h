// The daemon's parts, and what becomes of them: startup.cpp brings them up, serving.cpp has its processes.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>

#include "capi/c_api.h"
#include "daemon/config/module_loader.h"
#include "daemon/daemon_log.h"
#include "daemon/flag.h"
#include "daemon/mi/registry.h"
#include "daemon/options.h"
#include "daemon/predecessor.h"
#include "daemon/privileges.h"
#include "daemon/reconfigurer.h"
#include "daemon/shared_state.h"
#include "daemon/supervisor.h"
#include "daemon/upgrade.h"
#include "process/access_log/log_channel.h"
#include "process/access_log/log_sink.h"
#include "process/meeting_point.h"
#include "server/endpoints.h"
#include "server/health.h"
#include "server/reload_channel.h"
#include "server/router.h"
#include "server/server_monitor.h"

namespace httpd::daemon {

/// Everything that lives as long as the daemon does, in the order in which it is needed.
class Daemon final : private Host {
 public:
  /// `options` must outlive it. Throws std::exception.
  Daemon(const Options& options, std::vector<std::string> arguments);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  // Handlers may use their modules to the last, and modules the host.
  ~Daemon() override { router_ = server::Router(); }

  Log& log() noexcept override { return log_; }

  /// Reads the configuration, and loads the modules. Throws ConfigError, as do the next two.
  void configure();
  /// Tries whatever can be tried without serving.
  void check();
  /// Serves until the end. The result is the exit status.
  int serve();

 private:
  void register_root(std::string_view module, std::string_view root,
                     std::unique_ptr<Handler> handler) override {
    router_.add(module, root, std::move(handler));
  }
  void add_process(std::string description, std::function<void(Process&)> main) override;
  Mi& mi() noexcept override { return registry_; }
  const Metrics& metrics() const noexcept override { return state_; }
  const Monitor& monitor() override {
    is_looked_at_ = true;
    return monitor_;
  }

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
  void leave_serving();
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
  server::ServerMonitor monitor_;
  bool is_looked_at_ = false;  // somebody has asked for monitor_
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

}  // namespace httpd::daemon
