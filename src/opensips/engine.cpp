// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensips/engine.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

#include "server/listen_address.h"
#include "server/parameters.h"
#include "server/startup_advice.h"
#include "server/tls_reload.h"
#include "server/tls_settings.h"

namespace httpd::opensips {
namespace {

constexpr const char kProgram[] = "the program opensips";

}  // namespace

struct Engine::Serving {
  net::EventLoop loop;
  server::Server server;
  const pid_t process = ::getpid();
  bool running = false;    // a turn of the loop is on the stack
  bool finishing = false;  // the end of this process has begun

  Serving(const server::Settings& settings, const server::Router& router, Log& log,
          server::Statistics& statistics)
      : server(loop, settings, router, log, statistics) {}
};

Engine::Engine(const httpd_host& host) : host_(host), log_(host) {
  settings_.ip = host.default_ip;
  if (host.default_receive_buf_size != 0) settings_.limits.receive_buf_size = host.default_receive_buf_size;
  parameters_ = server::httpd_parameters(settings_);
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
                                    .takes_text = false,
                                    .observer = this},
                 log_);
  current_c_api_.emplace(*c_api_);
}

void Engine::open() {
  server::check_access(settings_.access);
  reloads_.emplace();
  credentials_ = server::load_tls(settings_.tls, log_);
  if (credentials_ != nullptr) server::advise(*credentials_, log_);
  // None are inherited: OpenSIPS closes all descriptors that it was started with.
  endpoints_ = server::open_endpoints(server::listeners_of(settings_), {}, kProgram);
  server::advise_on_endpoints(settings_, endpoints_, log_);
  addresses_ = server::addresses(endpoints_, host_.longest_addresses);
}

void Engine::check_modules() const {
  if (c_api_ && !c_api_->error().empty())
    throw ConfigError("a module could not register its root path: " + c_api_->error());
}

void Engine::leave_sockets() noexcept {
  for (server::Endpoint& endpoint : endpoints_)
    endpoint.socket.close();
}

int Engine::serve() {
  server::advise_on_unreadable_files(settings_, fmt::format("user {}", ::geteuid()), log_);
  auto serving = std::make_unique<Serving>(settings_, router_, log_, *statistics_);
  server::Server& server = serving->server;
  if (credentials_ != nullptr) server.use_tls(credentials_);
  server.init_handlers();
  for (const server::Endpoint& endpoint : endpoints_)
    server.serve(endpoint.socket, endpoint.tls);
  reloads_->serve(serving->loop, [this] { return server::reload_tls(serving_->server, settings_, log_); });
  serving_ = std::move(serving);
  server::announce(endpoints_, router_, log_);
  return serving_->loop.descriptor();
}

void Engine::run() {
  serving_->running = true;
  const struct Done {
    Serving& serving;
    ~Done() { serving.running = false; }
  } done{*serving_};
  serving_->loop.run_once();
}

void Engine::finish(std::chrono::milliseconds patience) {
  // A handler that calls exit() cannot be returned to, and its connection waits for it. In a copy of the
  // process, which a command in it has forked, the connections are those of the original.
  if (serving_ == nullptr || serving_->process != ::getpid() || serving_->running || serving_->finishing)
    return;
  serving_->finishing = true;
  net::EventLoop& loop = serving_->loop;
  class Deadline final : public net::Timer {
   public:
    explicit Deadline(net::EventLoop& stopped) noexcept : loop_(stopped) {}

   private:
    void on_timer() override { loop_.stop(); }
    net::EventLoop& loop_;
  } deadline(loop);
  bool drained = false;
  loop.refresh_time();
  loop.arm(deadline, patience);
  leave_sockets();
  // The processes that a command may wait for end at this moment too.
  serving_->server.drain(
      [&] {
        drained = true;
        loop.stop();
      },
      server::Server::Waiting::kRefused);
  if (!drained) loop.run();
  if (!drained) serving_->server.log_unfinished(patience);
}

server::ReloadResult Engine::reload(std::chrono::milliseconds patience) {
  if (!settings_.tls.configured())
    return {false, "there are no TLS files to read again: neither tls_cert_file nor tls_key_file is set"};
  return reloads_->request(patience);
}

}  // namespace httpd::opensips
