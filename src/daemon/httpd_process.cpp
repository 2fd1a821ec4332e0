// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/httpd_process.h"

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

#include "daemon/signals.h"
#include "net/event_loop.h"
#include "process/worker_pool.h"
#include "server/access_log/access_log.h"
#include "server/access_log/request_id.h"
#include "server/reload.h"
#include "server/server.h"

namespace httpd::daemon {
namespace {

/// How long a connection without a request stays when another daemon serves.
constexpr std::chrono::seconds kQuiet{5};

/// The same at the end after a drain_delay: who has connected just now is about to send.
constexpr std::chrono::seconds kLastCall{1};

/// The same without one, when the end is to be quick: for what is on its way already.
constexpr std::chrono::milliseconds kQuickCall{100};

/// Ends the loop in order: on SIGTERM, or when another daemon serves; once nothing is in progress any more,
/// or when that takes too long.
class Ending final : private net::EventHandler, private net::Timer {
 public:
  Ending(net::EventLoop& loop, server::Server& server, process::WorkerPool* pool, const HttpdProcess& process)
      : loop_(loop),
        server_(server),
        pool_(pool),
        settings_(process.settings),
        endpoints_(process.endpoints),
        shall_leave_(process.shall_leave),
        signals_({SIGTERM}) {
    loop_.add(signals_.get(), EPOLLIN, *this);
    loop_.add(shall_leave_, EPOLLIN, leaving_);
  }
  ~Ending() override {
    if (state_ == State::kServing) loop_.remove(shall_leave_, leaving_);
    loop_.remove(signals_.get(), *this);
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  enum class State : char { kServing, kAnnounced, kDismissing, kCalling, kLeaving, kDraining };
  class Leaving final : public net::EventHandler {
   public:
    explicit Leaving(Ending& ending) noexcept : ending_(ending) {}
    void on_events(std::uint32_t /*events*/) override { ending_.leave(); }

   private:
    Ending& ending_;
  };

  void on_events(std::uint32_t /*events*/) override {
    if (!signals_.next() || (state_ != State::kServing && state_ != State::kLeaving)) return;
    // The attendant has begun to count by them, and a reload that comes now does not change its mind.
    delay_ = settings_.drain_delay;
    timeout_ = settings_.drain_timeout;
    server_.announce_drain();
    if (state_ == State::kLeaving) return drain();
    if (delay_ == net::Duration::zero()) return call_for_the_last_time(kQuickCall);
    enter(State::kAnnounced);
    // By its half a balancer sends nobody any more; those who are there have the other half to go.
    loop_.arm(*this, delay_ / 2);
  }
  void on_timer() override {
    if (state_ == State::kAnnounced) return dismiss();
    if (state_ == State::kDismissing) return call_for_the_last_time(kLastCall);
    if (state_ != State::kDraining) return drain();
    server_.log_unfinished(timeout_);
    loop_.stop();
  }

  void enter(State state) {
    if (state_ == State::kServing) loop_.remove(shall_leave_, leaving_);
    state_ = state;
  }
  void dismiss() {
    enter(State::kDismissing);
    server_.dismiss();
    loop_.arm(*this, delay_ - delay_ / 2);
  }
  void call_for_the_last_time(net::Duration quiet) {
    enter(State::kCalling);
    last_call_ = std::min<net::Duration>(quiet, timeout_);
    loop_.arm(*this, last_call_);
    // New clients are told at once that nobody listens; those that have come before are not turned away.
    server_.stop_accepting();
    endpoints_.clear();
    if (pool_ != nullptr) pool_->drain(process::WorkerPool::Waiting::kServed);
    server_.leave(last_call_, [this] { loop_.stop(); });
  }
  /// Behind the last call or leave(), which have closed the listeners.
  void drain() {
    enter(State::kDraining);
    loop_.arm(*this, timeout_ - last_call_);
    server_.drain([this] { loop_.stop(); });
  }
  void leave() {
    enter(State::kLeaving);
    timeout_ = settings_.drain_timeout;
    loop_.arm(*this, settings_.upgrade_timeout);
    if (pool_ != nullptr) pool_->drain(process::WorkerPool::Waiting::kServed);
    server_.leave(kQuiet, [this] { loop_.stop(); });
    endpoints_.clear();
  }

  net::EventLoop& loop_;
  server::Server& server_;
  process::WorkerPool* pool_;
  const server::Settings& settings_;
  std::vector<server::Endpoint>& endpoints_;
  int shall_leave_;
  SignalDescriptor signals_;
  Leaving leaving_{*this};
  net::Duration delay_{};            // drain_delay, as it was when the end was announced
  std::chrono::seconds timeout_{0};  // drain_timeout, as it was then
  net::Duration last_call_{};        // what it took of that
  State state_ = State::kServing;
};

/// Begins to serve: at once, or when the daemon before this one gives way.
class Beginning final : private net::EventHandler {
 public:
  Beginning(net::EventLoop& loop, server::Server& server, const HttpdProcess& process)
      : loop_(loop), server_(server), process_(process), waiting_(process.may_serve >= 0) {
    if (waiting_) {
      loop_.add(process_.may_serve, EPOLLIN, *this);
    } else {
      serve();
    }
  }
  ~Beginning() {
    if (waiting_) loop_.remove(process_.may_serve, *this);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

 private:
  void on_events(std::uint32_t /*events*/) override {
    waiting_ = false;
    loop_.remove(process_.may_serve, *this);
    serve();
  }
  void serve() {
    for (const server::Endpoint& endpoint : process_.endpoints)
      server_.serve(endpoint.socket, endpoint.tls, endpoint.proxy_protocol, endpoint.is_kept());
  }

  net::EventLoop& loop_;
  server::Server& server_;
  const HttpdProcess& process_;
  bool waiting_;
};

/// Answers to requests for a reload while the loop exists.
class Reloading {
 public:
  Reloading(server::ReloadChannel& channel, net::EventLoop& loop,
            std::function<server::ReloadResult(server::Reload)> reload)
      : channel_(channel) {
    channel_.serve(loop, std::move(reload));
  }
  ~Reloading() { channel_.leave(); }
  Reloading(const Reloading&) = delete;
  Reloading& operator=(const Reloading&) = delete;

 private:
  server::ReloadChannel& channel_;
};

/// After the end of an earlier HTTPD process: that may have known that a user is gone, and what the daemon
/// read at its start does not.
void reload_users(server::Server& server, const HttpdProcess& process) {
  if (server::files_of(process.settings.access.auth).empty() ||
      server::reload(server::Reload::kCredentials, server, process.settings, process.log).good)
    return;
  server.use_credentials(nullptr);
  process.log.write(LogLevel::kCritical,
                    "the files of users and tokens cannot be read after a restart: nobody comes in where "
                    "credentials are needed, until a reload has read them");
}

}  // namespace

int run_httpd_process(const HttpdProcess& process, const std::function<void()>& on_ready) {
  net::EventLoop loop;
  process.statistics.clear_gauges();
  process.board.take_over();
  std::optional<process::WorkerPool> pool;  // outlives the server that hands its requests to it
  if (process.workers != nullptr)
    pool.emplace(
        process::WorkerPool::Surroundings{
            loop, process.settings, process.router, process.board, process.statistics, &process.requests,
            process.monitor == nullptr ? nullptr : &process.monitor->refusal_history(), process.log},
        *process.workers);
  std::optional<server::RequestIds> ids;
  std::optional<server::AccessLog> access_log;
  if (process.access_log != nullptr) {
    process.access_log->leave_receiving();
    access_log.emplace(loop, process.settings.access_log, process.access_log->sending(), process.statistics,
                       process.log);
  }
  server::Server server(loop, process.settings, process.router, process.log, process.statistics);
  server.count_requests(process.requests);
  if (process.health != nullptr) server.answer_health(*process.health);
  if (pool) {
    server.use_dispatcher(*pool);
    server.keep_free(process::WorkerPool::descriptors(process.settings.workers));
  }
  server.show_requests(process.board);
  if (process.monitor != nullptr) process.monitor->begin(server, process.requests);
  if (access_log) server.use_access_log(*access_log);
  if (access_log || process.settings.access_log.request_id) server.use_request_ids(ids.emplace());
  const Ending ending(loop, server, pool ? &*pool : nullptr, process);
  // The server's alone, so that keys are in memory no longer than they are used.
  if (process.credentials != nullptr) server.use_tls(std::move(process.credentials));
  server.use_credentials(process.users);
  const auto reload = [&](server::Reload what) {
    if (what == server::Reload::kConfiguration)
      return process.reconfigurer.reload(server, pool ? &*pool : nullptr, process.settings);
    return server::reload(what, server, process.settings, process.log);
  };
  if (process.is_restart) {
    if (process.settings.tls.configured()) static_cast<void>(reload(server::Reload::kTls));
    reload_users(server, process);
  }
  const Reloading reloading(process.reloads, loop, reload);
  server.init_handlers();
  const Beginning beginning(loop, server, process);
  on_ready();
  loop.run();
  return 0;
}

}  // namespace httpd::daemon
