// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/worker_process.h"

#include <csignal>

#include "daemon/signals.h"
#include "net/event_loop.h"
#include "process/worker.h"

namespace httpd::daemon {
namespace {

/// On SIGTERM, which all processes get at once: the HTTPD process still has replies to send, and needs those
/// of its handlers for that.
class Ending final : private net::EventHandler {
 public:
  Ending(net::EventLoop& loop, process::Worker& worker) : loop_(loop), worker_(worker), signals_({SIGTERM}) {
    loop_.add(signals_.get(), EPOLLIN, *this);
  }
  ~Ending() { loop_.remove(signals_.get(), *this); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  void on_events(std::uint32_t /*events*/) override {
    if (signals_.next()) worker_.end([this] { loop_.stop(); });
  }

  net::EventLoop& loop_;
  process::Worker& worker_;
  SignalDescriptor signals_;
};

}  // namespace

int run_worker_process(const WorkerProcess& process, const std::function<void()>& on_ready) {
  net::EventLoop loop;
  // The HTTPD process has checked all that comes here, by limits that may have changed since this process
  // began.
  server::Settings settings = process.settings;
  settings.limits = http::no_limits();
  process::Worker worker({loop, settings, process.router, process.meeting_point, process.log}, process.index);
  const Ending ending(loop, worker);
  worker.serve();
  on_ready();
  loop.run();
  return 0;
}

}  // namespace httpd::daemon
