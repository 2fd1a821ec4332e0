// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/httpd_process.h"

#include <csignal>
#include <fmt/format.h>
#include <utility>

#include "daemon/signals.h"
#include "net/event_loop.h"
#include "server/server.h"

namespace httpd::daemon {
namespace {

constexpr std::chrono::seconds kDrainTime{5};

/// Ends the loop in order: on SIGTERM, once nothing is in progress any more, or when that takes too long.
class Ending final : private net::EventHandler, private net::Timer {
 public:
  Ending(net::EventLoop& loop, server::Server& server, std::vector<net::ListenSocket>& sockets, Log& log)
      : loop_(loop), server_(server), sockets_(sockets), log_(log), signals_({SIGTERM}) {
    loop_.add(signals_.get(), EPOLLIN, *this);
  }
  ~Ending() override { loop_.remove(signals_.get(), *this); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  void on_events(std::uint32_t /*events*/) override {
    if (!signals_.next() || std::exchange(ending_, true)) return;
    loop_.arm(*this, kDrainTime);
    server_.drain([this] { loop_.stop(); });
    sockets_.clear();  // new clients are told at once that nobody listens
  }
  void on_timer() override {
    log_.write(LogLevel::kWarning,
               fmt::format("{} connections were cut: their replies did not finish in {} s",
                           server_.connections(), kDrainTime.count()));
    loop_.stop();
  }

  net::EventLoop& loop_;
  server::Server& server_;
  std::vector<net::ListenSocket>& sockets_;
  Log& log_;
  SignalDescriptor signals_;
  bool ending_ = false;
};

}  // namespace

int run_httpd_process(const HttpdProcess& process, const std::function<void()>& on_ready) {
  net::EventLoop loop;
  // A process that died left its gauges as they were.
  process.statistics.set(server::Statistics::kOpenConnections, 0);
  server::Server server(loop, process.settings, process.router, process.log, process.statistics);
  const Ending ending(loop, server, process.sockets, process.log);
  server.init_handlers();
  for (const net::ListenSocket& socket : process.sockets)
    server.serve(socket);
  on_ready();
  loop.run();
  return 0;
}

}  // namespace httpd::daemon
