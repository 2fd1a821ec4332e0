// The daemon's processes, from the first fork to the end. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <systemd/sd-daemon.h>
#include <utility>

#include "daemon/daemon.h"
#include "daemon/httpd_process.h"
#include "daemon/pid_file.h"
#include "daemon/reload_requests.h"
#include "daemon/worker_process.h"
#include "process/access_log/log_writer.h"
#include "server/startup_advice.h"

namespace httpd::daemon {
namespace {

constexpr std::string_view kHttpd = "HTTPD ";
constexpr std::chrono::milliseconds kBeforeHttpd(100);
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

}  // namespace

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

/// The end has begun. While everything is still served, the file of a Unix socket is needed. The HTTPD
/// process closes its sockets after this one, and nobody comes in between: whoever connects when it does not
/// accept any more would be reset.
void Daemon::close_endpoints(Supervisor& supervisor) {
  const std::chrono::seconds delay = in_force_.settings.drain_delay;
  if (delay == std::chrono::seconds::zero()) return endpoints_.clear();
  supervisor.after(delay - kBeforeHttpd, [this] { endpoints_.clear(); });
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
                               is_looked_at_ ? &monitor_ : nullptr,
                               log_};
    return run_httpd_process(process, [&attendant] { attendant.notify_ready(); });
  });
  add_log_writer(supervisor);
  for (std::uint32_t index = 0; index < in_force_.settings.workers; ++index)
    supervisor.add(
        fmt::format("HTTPD worker {}", index + 1),
        [this, index](Supervisor& attendant) {
          if (predecessor_) predecessor_->let_go();
          leave_serving();
          return run_worker_process({in_force_.settings, router_, *workers_, index, log_},
                                    [&attendant] { attendant.notify_ready(); });
        },
        kWorkerRestart, Supervisor::Role::kWorker);
  for (const ExtraProcess& extra : extra_processes_)
    supervisor.add(
        extra.description,
        [this, &extra](Supervisor& attendant) {
          leave_serving();
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

void Daemon::add_log_writer(Supervisor& supervisor) {
  if (log_sink_ == nullptr) return;
  supervisor.add(
      "HTTPD access log",
      [this](Supervisor& attendant) {
        if (predecessor_) predecessor_->let_go();
        endpoints_.clear();
        in_force_.tls.reset();
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
/// end, once the HTTPD process has ended, and so that no code of a handler has the keys of TLS in reach.
void Daemon::leave_serving() {
  endpoints_.clear();
  in_force_.tls.reset();
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

}  // namespace httpd::daemon
