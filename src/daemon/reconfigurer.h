// Reading the configuration file again while the daemon runs. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/log.h>

#include "daemon/configuration.h"
#include "daemon/options.h"
#include "daemon/shared_state.h"
#include "net/tls_credentials.h"
#include "net/unique_fd.h"
#include "process/worker_pool.h"
#include "server/access/credentials.h"
#include "server/reload_channel.h"
#include "server/router.h"
#include "server/server.h"
#include "server/settings.h"

namespace httpd::daemon {

/// What a process of the daemon knows from the configuration, and hands on to those forked from it.
struct InForce {
  server::Settings settings;
  std::shared_ptr<const net::TlsCredentials> tls;    ///< shared with sessions; null when TLS is not in use
  std::shared_ptr<const server::Credentials> users;  ///< shared with checks; null when none are configured
};

/// The HTTPD process reads the file, since it alone knows what is in force, and changes over all at once or
/// not at all. Before it does so it gives the text to the attendant, from which the next HTTPD process is
/// forked.
class Reconfigurer {
 public:
  /// All must outlive it. Before the first fork. Throws std::system_error.
  Reconfigurer(const Options& options, const server::Router& router, SharedState& state, Log& log);

  /// In the attendant, at start: a module was loaded.
  void know(std::string file, Module& module) { reader_.know(std::move(file), module); }
  /// Once all are: this is the text that was read. Throws ConfigError.
  void begin(std::string_view text) { start_ = reader_.read(text); }

  /// In the HTTPD process: reads the file again, and has `server` and `pool` (null without one) go on with
  /// what it says. `in_force` has the server's own settings. What came of it is logged; the result's text has
  /// a line for each change, those that take a restart after kTakesRestart.
  [[nodiscard]] server::ReloadResult reload(server::Server& server, process::WorkerPool* pool,
                                            server::Settings& settings);
  static constexpr char kTakesRestart = '!';

  /// In the attendant: readable once take() has something to do.
  [[nodiscard]] int descriptor() const noexcept { return taking_.get(); }
  /// In the attendant: takes over what the HTTPD process has changed to.
  void take(InForce& in_force);

 private:
  struct Outcome;
  void give(std::string_view text) const;
  void take_over(std::string_view text, InForce& in_force);
  void change(server::Server& server, process::WorkerPool* pool, server::Settings& settings,
              Outcome& outcome);

  const Options& options_;
  const server::Router& router_;
  SharedState& state_;
  Log& log_;
  ConfigurationReader reader_;
  Configuration start_;  // its log_level: that in force
  net::UniqueFd giving_;
  net::UniqueFd taking_;
};

/// The level that the options make of the script's.
[[nodiscard]] int effective_log_level(const Options& options, int of_script) noexcept;

}  // namespace httpd::daemon
