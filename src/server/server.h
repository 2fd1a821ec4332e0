// The HTTP server: listeners, connections and roots on one event loop.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <httpd/log.h>
#include <httpd/monitor.h>

#include "net/event_loop.h"
#include "net/listener.h"
#include "net/tls_acceptor.h"
#include "server/connection.h"
#include "server/context.h"
#include "server/health.h"
#include "server/loop_adapter.h"
#include "server/reconfiguration.h"
#include "server/router.h"
#include "server/settings.h"
#include "server/statistics.h"

namespace httpd::server {

/// Serves until it is destroyed. A process may hold several, on one loop or on several.
class Server final : private net::Listener::Acceptor, private Connection::Owner, private net::Task {
 public:
  /// All arguments must outlive the server; the router must not change any more.
  Server(net::EventLoop& loop, const Settings& settings, const Router& router, Log& log,
         Statistics& statistics);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Handshakes are done with `credentials` from now on; open connections keep theirs. Throws std::bad_alloc.
  void use_tls(std::shared_ptr<const net::TlsCredentials> credentials);
  /// Requests are checked against `credentials` from now on. Before serving, where any are configured.
  void use_credentials(std::shared_ptr<const Credentials> credentials) noexcept {
    context_.access.use(std::move(credentials));
  }
  /// The limits and rules of `next` from now on, open connections and requests in work included; afterwards
  /// it holds those from before. `settings` are the server's own, see its construction. Nothing can go wrong:
  /// that is over once a Reconfiguration exists.
  void change(Settings& settings, Reconfiguration& next) noexcept;
  /// What is to be known about max_connections; "" when nothing is.
  [[nodiscard]] std::string connections_advice() const;
  /// Shows on `board`, which must outlive the server, which requests are with handlers in this process.
  /// Before serving.
  void show_requests(RequestBoard& board) noexcept { context_.board = &board; }
  /// Counts requests by root in `requests`, which must outlive the server. Before serving.
  void count_requests(RequestStatistics& requests) noexcept { context_.requests = &requests; }
  /// Requests for `health`, a handler of the router's, are answered in this process whatever limit of
  /// connections, requests or handlers is reached. Before serving.
  void answer_health(HealthHandler& health) noexcept;
  /// Keeps what is refused in `refusals`, which must outlive the server. Before serving.
  void keep_refusals(RefusalHistory& refusals) noexcept { context_.refusals = &refusals; }
  /// Has `dispatcher`, which must outlive the server, answer all requests but those whose handlers never
  /// block. Before serving.
  void use_dispatcher(Dispatcher& dispatcher) noexcept { context_.dispatcher = &dispatcher; }
  /// Logs requests in `log`, and gives them `ids`, which both must outlive the server. Before serving.
  void use_access_log(AccessLog& log) noexcept { context_.access_log = &log; }
  void use_request_ids(RequestIds& ids) noexcept { context_.request_ids = &ids; }
  /// Calls Handler::init_process() of every root whose handler runs in this process. Once, before serving,
  /// after use_dispatcher(). What a handler throws comes through.
  void init_handlers();
  /// Serves the connections of a socket that is listening already and must outlive the server; with `tls`,
  /// after use_tls(), they begin with a handshake; with `proxy_protocol` those of trusted proxies begin with
  /// a PROXY header before that; with `is_kept` the socket is open elsewhere, too, for a server after this
  /// one. Throws std::system_error.
  void serve(const net::ListenSocket& socket, bool tls = false, bool proxy_protocol = false,
             bool is_kept = false);

  /// Leaves so many descriptors of this process to others than connections. Before serving.
  void keep_free(std::size_t descriptors) noexcept { kept_free_ = descriptors; }

  /// The end is near, and everything is served as before: who asks is told, and goes elsewhere.
  void announce_drain() noexcept { context_.ending = true; }
  /// True from announce_drain() on, and while the server drains.
  [[nodiscard]] bool draining() const noexcept { return context_.ending || context_.draining; }

  /// The end comes nearer: each reply from now on says Connection: close, unless requests wait behind it. Who
  /// keeps a connection goes elsewhere before it is closed, when a request on its way would be lost.
  void dismiss() noexcept { context_.dismissing = true; }
  /// Accepts who has connected already, and nobody else. The sockets may be closed then. Who has connected to
  /// one that is kept waits there for the next server, which has more time for it.
  void stop_accepting();

  /// What becomes of the requests that no handler has begun with when the server drains.
  enum class Waiting : bool {
    kServed,
    kRefused  ///< with a 503, for a host in which handlers find nothing any more that would answer them
  };
  /// Stops accepting, closes idle connections, and lets requests in progress finish with Connection: close.
  /// Calls `done` once no connection is left, perhaps before it returns.
  void drain(std::function<void()> done, Waiting waiting = Waiting::kServed);
  /// Cuts all connections, now.
  void cut_connections() noexcept;
  /// Stops accepting, since another process does, and closes each connection with its next reply. Those
  /// between requests stay for `quiet`, and no longer than conn_timeout. `done` as for drain(), which may
  /// come after it.
  void leave(net::Duration quiet, std::function<void()> done);
  /// Says in the log how many connections are cut because drain() did not come to its end in `patience`.
  void log_unfinished(std::chrono::milliseconds patience);
  /// The clients with the most connections.
  [[nodiscard]] std::vector<Monitor::Client> clients(std::size_t most) const {
    return context_.admission.clients(most);
  }
  /// What handshakes are done with now; null without TLS.
  [[nodiscard]] const net::TlsCredentials* tls_credentials() const noexcept {
    return tls_ == nullptr ? nullptr : &tls_->credentials();
  }
  /// The server drains or leaves: no new connection is accepted, and each reply ends its own.
  [[nodiscard]] bool closing() const noexcept { return context_.draining; }
  /// Null when all handlers run in this process.
  [[nodiscard]] const Dispatcher* dispatcher() const noexcept { return context_.dispatcher; }
  /// The number of open connections.
  [[nodiscard]] std::size_t connections() const noexcept { return count_; }

 private:
  /// A socket that is served, and how.
  struct Entrance {
    const net::ListenSocket* socket;
    bool tls;
    bool proxy_protocol;
    bool is_kept;
    std::unique_ptr<net::Listener> listener;
  };

  void divide_descriptors();
  void limit_connections() noexcept;
  void run() override;
  [[nodiscard]] const Entrance& entrance_of(const net::ListenSocket& socket) const noexcept;
  void on_accept(net::UniqueFd fd, const net::Address& peer, const net::ListenSocket& socket) override;
  void on_accept_failure(int error) override;
  void on_closed(Connection& connection) noexcept override;
  void give_memory_back() noexcept;
  [[nodiscard]] Admission::Place find_place(Connection& connection, const net::Address& client) override;
  [[nodiscard]] Admission::Place enter(const net::Address& client, bool is_proxy);
  void turn_away(const net::UniqueFd& fd, const net::Address& peer, http::Refusal refusal, bool tls);

  Context context_;
  std::unique_ptr<net::TlsAcceptor> tls_;
  LoopAdapter handler_loop_;
  std::vector<Entrance> entrances_;
  net::IntrusiveList<Connection> connections_;
  std::deque<Connection*> turned_away_;  // the oldest in front; where health is answered
  HealthHandler* health_ = nullptr;
  std::size_t count_ = 0;
  std::size_t most_ = 0;  // connections since memory was given back
  std::function<void()> drained_;
  std::size_t kept_free_ = 0;
  std::size_t possible_ = 0;  // connections that the limit of open files is good for; 0: not known
  int last_descriptor_ = std::numeric_limits<int>::max();  // for a connection
  net::TimePoint failure_logged_{};
};

}  // namespace httpd::server
