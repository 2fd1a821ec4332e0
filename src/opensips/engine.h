// The engine inside OpenSIPS: its settings, its sockets, and the server of the HTTPD process.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>

#include "capi/c_api.h"
#include "handlers/console/console.h"
#include "net/event_loop.h"
#include "opensips/border.h"
#include "opensips/host_log.h"
#include "opensips/shared_statistics.h"
#include "process/access_log/log_channel.h"
#include "process/access_log/log_sink.h"
#include "process/meeting_point.h"
#include "server/endpoints.h"
#include "server/health.h"
#include "server/reload_channel.h"
#include "server/request_board.h"
#include "server/router.h"
#include "server/server.h"
#include "server/server_monitor.h"
#include "server/settings.h"

namespace httpd::opensips {

/// Made in OpenSIPS's first process, as soon as a modparam() line is read, and inherited by all others. Has
/// no descriptor before open(): OpenSIPS closes all of them once its script is read. What border.h says of
/// each function holds for the member that it calls; errors are exceptions here.
class Engine final : private capi::CallObserver {
 public:
  /// `host` must outlive the engine. Throws std::exception.
  explicit Engine(const httpd_host& host);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// Throws ConfigError for an unknown name, a wrong type or a bad value.
  void set(std::string_view name, const ParameterValue& value);
  void accept_modules(std::size_t private_memory);
  void open();
  void check_modules();
  void leave_sockets() noexcept;
  [[nodiscard]] const std::string& addresses() const noexcept { return addresses_; }

  [[nodiscard]] int serve();
  [[nodiscard]] std::size_t workers() const noexcept { return settings_.workers; }
  [[nodiscard]] int work(unsigned index);
  void leave_workers() noexcept;
  [[nodiscard]] std::size_t log_writers() const noexcept { return settings_.access_log.on() ? 1 : 0; }
  void write_log();
  void leave_log_sender() noexcept;
  void leave_log() noexcept;
  void reopen_log();
  void run();
  void finish(std::chrono::milliseconds patience);

  /// In the order of registration.
  [[nodiscard]] const std::deque<server::Route>& routes() const noexcept { return router_.routes(); }
  [[nodiscard]] std::vector<server::RequestBoard::Entry> requests() const { return board_.entries(); }
  /// Those of roots among them after check_modules().
  [[nodiscard]] const SharedStatistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] server::ReloadResult reload(server::Reload what, std::chrono::milliseconds patience);
  [[nodiscard]] Log& log() noexcept { return log_; }

 private:
  struct Running;
  /// What only the HTTPD process has.
  struct Serving;
  /// What only a handler process has.
  struct Working;

  void entering(const char* path) noexcept override { host_.handler_entered(path); }
  void left(int status) noexcept override { host_.handler_left(status); }

  const httpd_host& host_;
  HostLog log_;
  server::Settings settings_;
  std::vector<Parameter> parameters_;
  server::Router router_;
  SharedStatistics statistics_;
  server::RequestBoard board_;
  server::ServerMonitor monitor_;
  server::HealthHandler* health_ = nullptr;  // of the router
  std::string console_root_;                 // "" where there is none
  console::ConsoleSettings console_;
  bool has_all_roots_ = false;
  std::optional<server::ReloadChannel> reloads_;
  std::optional<capi::CApi> c_api_;
  std::optional<capi::CApi::Current> current_c_api_;
  std::shared_ptr<const net::TlsCredentials> credentials_;  // shared with the sessions that begin with them
  std::shared_ptr<const server::Credentials> users_;        // shared with the checks that begin with them
  std::vector<server::Endpoint> endpoints_;
  std::string addresses_;
  std::optional<process::MeetingPoint> meeting_point_;
  std::optional<process::LogChannel> log_channel_;  // where there is an access log
  std::unique_ptr<process::LogSink> log_sink_;
  std::unique_ptr<Serving> serving_;
  std::unique_ptr<Working> working_;
};

}  // namespace httpd::opensips
