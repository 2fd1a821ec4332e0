// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/server.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/resource.h>
#include <utility>

namespace httpd::server {

Server::Server(net::EventLoop& loop, const Settings& settings, const Router& router, Log& log,
               Statistics& statistics)
    : context_(loop, settings, router, log, statistics), handler_loop_(loop, log) {}

Server::~Server() {
  entrances_.clear();
  while (!connections_.empty())
    delete &connections_.pop_front();
}

void Server::use_tls(std::shared_ptr<const net::TlsCredentials> credentials) {
  if (tls_ != nullptr) return tls_->replace(std::move(credentials));
  tls_ = std::make_unique<net::TlsAcceptor>(std::move(credentials),
                                            context_.settings.tls.options.ticket_lifetime);
}

void Server::init_handlers() {
  for (const Route& route : context_.router.routes())
    route.handler->init_process(handler_loop_);
}

void Server::serve(const net::ListenSocket& socket, bool tls) {
  if (tls && tls_ == nullptr) throw std::logic_error("TLS is served before there is a certificate");
  net::Listener::Acceptor& acceptor = *this;
  entrances_.push_back({&socket, tls, std::make_unique<net::Listener>(context_.loop, socket, acceptor)});
  entrances_.back().listener->stop_at(last_descriptor_);
}

void Server::keep_free(std::size_t descriptors) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) return;
  const std::size_t all = limit.rlim_cur;
  last_descriptor_ = static_cast<int>(all - std::min(all, descriptors)) - 1;
}

bool Server::speaks_tls(const net::ListenSocket& socket) const noexcept {
  return std::ranges::any_of(
      entrances_, [&socket](const Entrance& entrance) { return entrance.socket == &socket && entrance.tls; });
}

void Server::drain(std::function<void()> done, Waiting waiting) {
  context_.draining = true;
  context_.refusing = waiting == Waiting::kRefused;
  entrances_.clear();
  // Draining one connection may end it, and a handler that it calls may finish replies of others, but only in
  // the loop's next turn: no other connection is destroyed here.
  connections_.for_each([](Connection& connection) { connection.on_draining(); });
  if (count_ == 0) return done();
  drained_ = std::move(done);
}

void Server::log_unfinished(std::chrono::milliseconds patience) {
  context_.log.write(LogLevel::kWarning,
                     fmt::format("connections cut because they did not finish in {} s: {}",
                                 patience.count() / 1000, count_));
}

void Server::on_accept(net::UniqueFd fd, const net::Address& peer, const net::ListenSocket& socket) {
  context_.statistics.add(Statistics::kAcceptedConnections);
  try {
    std::unique_ptr<net::Stream> stream;
    if (speaks_tls(socket)) {
      stream = tls_->accept(std::move(fd), context_.loop.now());
    } else {
      stream = std::make_unique<net::PlainStream>(std::move(fd));
    }
    connections_.push_back(*new Connection(context_, *this, std::move(stream), peer));
    ++count_;
  } catch (const std::exception& exception) {
    context_.log.write(LogLevel::kError,
                       fmt::format("connection from {} dropped: {}", peer.text(), exception.what()));
  }
}

void Server::on_accept_failure(int error) {
  context_.statistics.add(Statistics::kAcceptFailures);
  // Each connection that ends is the end of a pause, and perhaps the beginning of the next.
  if (context_.loop.now() - failure_logged_ < std::chrono::seconds(1)) return;
  failure_logged_ = context_.loop.now();
  context_.log.write(
      LogLevel::kError,
      fmt::format("cannot accept connections: {}; trying again every second (raise the limit of open "
                  "files: ulimit -n, LimitNOFILE=)",
                  std::strerror(error)));
}

void Server::on_closed(Connection& connection) noexcept {
  --count_;
  delete &connection;
  for (const Entrance& entrance : entrances_)
    entrance.listener->resume();
  if (count_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

}  // namespace httpd::server
