// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensips/engine.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <unistd.h>
#include <utility>

#include <httpd/parameter.h>

#include "process/access_log/log_writer.h"
#include "process/worker.h"
#include "process/worker_pool.h"
#include "server/listen_address.h"
#include "server/parameters.h"
#include "server/reload.h"
#include "server/startup_advice.h"
#include "server/tls_settings.h"

namespace httpd::opensips {
namespace {

constexpr const char kProgram[] = "the program opensips";

}  // namespace

/// An event loop in a process of OpenSIPS, and how far its end has come.
struct Engine::Running {
  net::EventLoop loop;
  const pid_t process = ::getpid();
  bool running = false;    // a turn of the loop is on the stack
  bool finishing = false;  // the end of this process has begun

  void run_once();
  /// Whether the end can begin. A handler that calls exit() cannot be returned to, and its connection waits
  /// for it. In a copy of the process, which a command in it has forked, the connections are those of the
  /// original.
  [[nodiscard]] bool may_finish() const noexcept { return process == ::getpid() && !running && !finishing; }
  /// Runs the loop until `begin`'s argument is called, for `patience` at most. False when it was not.
  bool finish(std::chrono::milliseconds patience,
              const std::function<void(std::function<void()> done)>& begin);
};

struct Engine::Serving : Running {
  std::optional<process::WorkerPool> pool;  // outlives the server that hands its requests to it
  std::optional<server::RequestIds> ids;
  std::optional<server::AccessLog> access_log;
  server::Server server;

  Serving(const server::Settings& settings, const server::Router& router, Log& log,
          server::Statistics& statistics)
      : server(loop, settings, router, log, statistics) {}
};

struct Engine::Working : Running {
  process::Worker worker;
  Working(const server::Settings& settings, const server::Router& router,
          process::MeetingPoint& meeting_point, Log& log, std::uint32_t index)
      : worker({loop, settings, router, meeting_point, log}, index) {}
};

Engine::Engine(const httpd_host& host)
    : host_(host), log_(host), monitor_(statistics_.counters(), board_, router_) {
  settings_.ip = host.default_ip;
  if (host.default_receive_buf_size != 0) settings_.limits.receive_buf_size = host.default_receive_buf_size;
  parameters_ = server::httpd_parameters(settings_);
  // Where modules are OpenSIPS's own, what is a module of the daemon has its parameters here.
  parameters_.push_back(
      string_parameter("console_root", [this](const std::string& value) { console_root_ = value; }));
  console_.max_viewers_parameter = "console_max_viewers of module httpd";
  parameters_.push_back(
      integer_parameter("console_max_viewers", 1, console::ConsoleSettings::kMostViewers,
                        [this](long long value) { console_.max_viewers = static_cast<std::size_t>(value); }));
}

Engine::~Engine() {
  if (reloads_) reloads_->leave();
}

void Engine::set(std::string_view name, const ParameterValue& value) {
  const auto type =
      std::holds_alternative<std::string>(value) ? Parameter::Type::kString : Parameter::Type::kInteger;
  const auto parameter = std::ranges::find_if(parameters_, [&](const Parameter& candidate) {
    return candidate.name == name && candidate.type == type;
  });
  if (parameter == parameters_.end()) throw ConfigError("there is no such parameter of this type");
  parameter->set(value);
}

void Engine::accept_modules(std::size_t private_memory) {
  if (c_api_) return;
  // The stock module hands on no text but XML, and consumers do not look at the type: with text, any page in
  // a browser could give MI commands.
  c_api_.emplace([this](std::string_view module, std::string_view root,
                        std::unique_ptr<Handler> handler) { router_.add(module, root, std::move(handler)); },
                 capi::CApiSettings{.buf_size = settings_.buf_size,
                                    .keep_ready = private_memory / 4,
                                    .hands_on = settings_.workers > 0,
                                    .takes_text = false,
                                    .observer = this},
                 log_);
  current_c_api_.emplace(*c_api_);
}

void Engine::open() {
  server::check_access(settings_.access, settings_.tls.options.verify_client != net::TlsVerifyClient::kNone);
  reloads_.emplace();
  if (settings_.workers != 0) meeting_point_.emplace();
  if (settings_.access_log.on()) {
    log_sink_ = process::open_log_sink(settings_.access_log);
    log_channel_.emplace();
  }
  users_ = server::load_credentials(settings_);
  credentials_ = server::load_tls(settings_.tls, log_);
  if (credentials_ != nullptr) server::advise(*credentials_, log_);
  // None are inherited: OpenSIPS closes all descriptors that it was started with.
  endpoints_ = server::open_endpoints(server::listeners_of(settings_), {}, kProgram);
  server::advise_on_endpoints(settings_, endpoints_, log_);
  addresses_ = server::addresses(endpoints_, host_.longest_addresses);
}

void Engine::check_modules() {
  if (c_api_ && !c_api_->error().empty())
    throw ConfigError("a module could not register its root path: " + c_api_->error());
  if (has_all_roots_) return;
  health_ = server::register_health(settings_, router_);
  if (!console_root_.empty())
    router_.add("httpd", console_root_, console::make_console(monitor_, log_, console_));
  server::check_rules(settings_.access.rules, router_);
  server::check_compression(settings_.compression, router_);
  statistics_.add_roots(router_, settings_.workers != 0);
  has_all_roots_ = true;
}

void Engine::leave_sockets() noexcept {
  for (server::Endpoint& endpoint : endpoints_)
    endpoint.socket.close();
}

int Engine::serve() {
  server::advise_on_unreadable_files(settings_, fmt::format("user {}", ::geteuid()), log_);
  auto serving = std::make_unique<Serving>(settings_, router_, log_, statistics_.counters());
  server::Server& server = serving->server;
  board_.take_over();
  statistics_.counters().clear_gauges();
  server.count_requests(statistics_.requests());
  if (health_ != nullptr) server.answer_health(*health_);
  if (log_channel_) {
    log_channel_->leave_receiving();
    log_sink_->let_go();
    server.use_access_log(serving->access_log.emplace(serving->loop, settings_.access_log,
                                                      log_channel_->sending(), statistics_.counters(), log_));
  }
  if (log_channel_ || settings_.access_log.request_id) server.use_request_ids(serving->ids.emplace());
  server.show_requests(board_);
  const bool is_looked_at = !console_root_.empty();
  if (is_looked_at) monitor_.begin(server, statistics_.requests());
  if (meeting_point_) {
    serving->pool.emplace(
        process::WorkerPool::Surroundings{serving->loop, settings_, router_, board_, statistics_.counters(),
                                          &statistics_.requests(),
                                          is_looked_at ? &monitor_.refusal_history() : nullptr, log_},
        *meeting_point_);
    server.use_dispatcher(*serving->pool);
    server.keep_free(process::WorkerPool::descriptors(settings_.workers));
  }
  server.init_handlers();
  if (credentials_ != nullptr) server.use_tls(std::move(credentials_));
  server.use_credentials(users_);
  for (const server::Endpoint& endpoint : endpoints_)
    server.serve(endpoint.socket, endpoint.tls, endpoint.proxy_protocol);
  reloads_->serve(serving->loop, [this](server::Reload what) {
    return server::reload(what, serving_->server, settings_, log_);
  });
  serving_ = std::move(serving);
  server::announce(endpoints_, router_, log_);
  return serving_->loop.descriptor();
}

int Engine::work(unsigned index) {
  credentials_.reset();  // no code of a handler has the keys in reach
  auto working = std::make_unique<Working>(settings_, router_, *meeting_point_, log_, index);
  working->worker.serve();
  working_ = std::move(working);
  return working_->loop.descriptor();
}

void Engine::leave_workers() noexcept {
  if (meeting_point_) meeting_point_->close();
}

void Engine::write_log() {
  process::LogWriter(*log_channel_, *log_sink_, statistics_.counters(), log_).run();
}

void Engine::leave_log_sender() noexcept {
  if (log_channel_) log_channel_->leave_sending();
}

void Engine::leave_log() noexcept {
  if (log_channel_) log_channel_->leave_receiving();
  if (log_sink_ != nullptr) log_sink_->let_go();
}

void Engine::reopen_log() {
  if (!log_channel_)
    throw ConfigError("there is no access log: parameter access_log of module httpd sets one");
  log_channel_->request_reopen();
}

void Engine::Running::run_once() {
  running = true;
  const struct Done {
    Running& self;
    ~Done() { self.running = false; }
  } done{*this};
  loop.run_once();
}

bool Engine::Running::finish(std::chrono::milliseconds patience,
                             const std::function<void(std::function<void()> done)>& begin) {
  finishing = true;
  class Deadline final : public net::Timer {
   public:
    explicit Deadline(net::EventLoop& stopped) noexcept : loop_(stopped) {}

   private:
    void on_timer() override { loop_.stop(); }
    net::EventLoop& loop_;
  } deadline(loop);
  bool finished = false;
  loop.refresh_time();
  loop.arm(deadline, patience);
  begin([&] {
    finished = true;
    loop.stop();
  });
  if (!finished) loop.run();
  return finished;
}

void Engine::run() {
  if (working_ != nullptr) return working_->run_once();
  serving_->run_once();
}

void Engine::finish(std::chrono::milliseconds patience) {
  // The processes that a command may wait for end at this moment too, so no handler is called any more.
  if (working_ != nullptr && working_->may_finish()) {
    working_->finish(patience, [this](std::function<void()> done) {
      working_->worker.end(std::move(done), process::Worker::Late::kRefused);
    });
  }
  if (serving_ == nullptr || !serving_->may_finish()) return;
  leave_sockets();
  const bool drained = serving_->finish(patience, [this](std::function<void()> done) {
    if (serving_->pool) serving_->pool->drain(process::WorkerPool::Waiting::kRefused);
    serving_->server.drain(std::move(done), server::Server::Waiting::kRefused);
  });
  if (!drained) serving_->server.log_unfinished(patience);
  if (!serving_->access_log) return;
  serving_->server.cut_connections();
  serving_->access_log->finish();
}

server::ReloadResult Engine::reload(server::Reload what, std::chrono::milliseconds patience) {
  if (what == server::Reload::kTls && !settings_.tls.configured())
    return {false, "there are no TLS files to read again: neither tls_cert_file nor tls_key_file is set"};
  return reloads_->request(what, patience);
}

}  // namespace httpd::opensips
