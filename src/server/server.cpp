// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/server.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <span>
#include <stdexcept>
#include <sys/resource.h>
#include <type_traits>
#include <utility>

#include "http/error_body.h"
#include "http/reply_head.h"
#include "server/refusal_line.h"

namespace httpd::server {
namespace {

/// Beside connections: those that are turned away, those of administrators, and what handlers open.
constexpr std::size_t kSpareDescriptors = 64;
constexpr std::size_t kManyConnections = 1000;

}  // namespace

Server::Server(net::EventLoop& loop, const Settings& settings, const Router& router, Log& log,
               Statistics& statistics)
    : context_(loop, settings, router, log, statistics), handler_loop_(loop, log) {}

Server::~Server() {
  if (health_ != nullptr) health_->watch(nullptr);
  entrances_.clear();
  cut_connections();
}

void Server::cut_connections() noexcept {
  while (!connections_.empty())
    delete &connections_.pop_front();
  count_ = 0;
}

void Server::use_tls(std::shared_ptr<const net::TlsCredentials> credentials) {
  const std::chrono::seconds ticket_lifetime = context_.settings.tls.options.ticket_lifetime;
  if (tls_ != nullptr) return tls_->replace(std::move(credentials), ticket_lifetime);
  tls_ = std::make_unique<net::TlsAcceptor>(std::move(credentials), ticket_lifetime);
}

void Server::change(Settings& settings, Reconfiguration& next) noexcept {
  static_assert(std::is_nothrow_move_assignable_v<Settings> && std::is_nothrow_swappable_v<Settings>);
  std::swap(settings, next.settings);
  context_.access.change(*next.policies, next.challenges, std::move(next.users));
  context_.compression.change(next.compression);
  context_.admission.change_rate();
  limit_connections();
  if (tls_ != nullptr && next.tls != nullptr)
    tls_->replace(std::move(next.tls), settings.tls.options.ticket_lifetime);
  // Later, since a handler on a connection may have asked for the change.
  context_.loop.post(*this);
}

void Server::run() {
  connections_.for_each([](Connection& connection) { connection.on_new_limits(); });
}

void Server::answer_health(HealthHandler& health) noexcept {
  health_ = &health;
  health_->watch(&context_);
  context_.health = health_;
}

void Server::init_handlers() {
  for (const Route& route : context_.router.routes())
    if (context_.dispatcher == nullptr || route.never_blocks) route.handler->init_process(handler_loop_);
}

void Server::serve(const net::ListenSocket& socket, bool tls, bool proxy_protocol, bool is_kept) {
  if (tls && tls_ == nullptr) throw std::logic_error("TLS is served before there is a certificate");
  if (entrances_.empty()) divide_descriptors();
  net::Listener::Acceptor& acceptor = *this;
  entrances_.push_back({&socket, tls, proxy_protocol, is_kept,
                        std::make_unique<net::Listener>(context_.loop, socket, acceptor)});
  entrances_.back().listener->stop_at(last_descriptor_);
}

/// Connections get what the limit of open files leaves them, and no more than max_connections.
void Server::divide_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const std::size_t all = std::min<std::size_t>(limit.rlim_cur, INT_MAX);
  const std::size_t shared = all - std::min(all, kept_free_);
  last_descriptor_ = static_cast<int>(shared) - 1;
  const net::UniqueFd next(::fcntl(context_.loop.descriptor(), F_DUPFD_CLOEXEC, 0));
  const std::size_t used = next ? static_cast<std::size_t>(next.get()) : shared;
  const std::size_t left = shared - std::min(shared, used);
  possible_ = std::max<std::size_t>(1, left - std::min(kSpareDescriptors, left / 2));
  limit_connections();
  if (const std::string advice = connections_advice(); !advice.empty())
    context_.log.write(LogLevel::kWarning, advice);
}

void Server::limit_connections() noexcept {
  std::size_t limit = context_.settings.max_connections;
  if (limit == 0) limit = Admission::kDefaultConnections;
  if (context_.settings.max_connections == 0 && possible_ != 0) limit = std::min(limit, possible_);
  context_.admission.limit_connections(limit);
}

std::string Server::connections_advice() const {
  const std::size_t wanted = context_.settings.max_connections;
  rlimit limit{};
  if (possible_ == 0 || wanted <= possible_ || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  return fmt::format(
      "max_connections is {}, but the limit of open files is {}, which is good for {}: raise it "
      "(ulimit -n, LimitNOFILE=), or clients will wait without a word when it is reached",
      wanted, std::min<std::size_t>(limit.rlim_cur, INT_MAX), possible_);
}

const Server::Entrance& Server::entrance_of(const net::ListenSocket& socket) const noexcept {
  return *std::ranges::find(entrances_, &socket, &Entrance::socket);
}

void Server::stop_accepting() {
  for (const Entrance& entrance : entrances_)
    if (!entrance.is_kept) entrance.listener->accept_waiting();
  entrances_.clear();
}

void Server::drain(std::function<void()> done, Waiting waiting) {
  context_.draining = true;
  context_.leaving.reset();
  drained_ = nullptr;  // of leave()
  context_.refusing = waiting == Waiting::kRefused;
  entrances_.clear();
  // Draining one connection may end it, and a handler that it calls may finish replies of others, but only in
  // the loop's next turn: no other connection is destroyed here.
  connections_.for_each([](Connection& connection) { connection.on_draining(); });
  if (count_ == 0) return done();
  drained_ = std::move(done);
}

void Server::leave(net::Duration quiet, std::function<void()> done) {
  context_.draining = true;
  context_.leaving = quiet;
  entrances_.clear();
  run();  // what they wait for may have an earlier end now
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
    const Entrance& entrance = entrance_of(socket);
    const bool is_trusted = context_.access.is_trusted_proxy(peer);
    const bool tells_at_once = is_trusted && entrance.proxy_protocol;
    const bool is_proxy = tells_at_once || (is_trusted && context_.access.reads_forwarded_fields());
    Admission::Place place = enter(peer, is_proxy);
    const http::Refusal refusal = place.refusal();
    if (!place.may_speak()) return turn_away(fd, peer, refusal, entrance.tls);
    std::unique_ptr<net::Stream> stream;
    if (entrance.tls) {
      stream = tls_->accept(std::move(fd), context_.loop.now());
    } else {
      stream = std::make_unique<net::PlainStream>(std::move(fd));
    }
    const auto preface = tells_at_once ? Connection::Preface::kProxyHeader : Connection::Preface::kNone;
    auto* const connection =
        new Connection(context_, *this, std::move(stream), peer, std::move(place), preface);
    connections_.push_back(*connection);
    most_ = std::max(most_, ++count_);
    if (refusal != http::Refusal::kNone && health_ != nullptr) turned_away_.push_back(connection);
  } catch (const std::exception& exception) {
    context_.log.write(LogLevel::kError,
                       fmt::format("connection from {} dropped: {}", peer.text(), exception.what()));
  }
}

Admission::Place Server::find_place(Connection& connection, const net::Address& client) {
  std::erase(turned_away_, &connection);
  Admission::Place place =
      enter(client, context_.access.reads_forwarded_fields() && context_.access.is_trusted_proxy(client));
  if (place.refusal() != http::Refusal::kNone && place.may_speak() && health_ != nullptr)
    turned_away_.push_back(&connection);
  return place;
}

/// Those who are turned away may ask for health, so the last ones to come must not find all places taken by
/// who came before and asks for nothing.
Admission::Place Server::enter(const net::Address& client, bool is_proxy) {
  if (!context_.access.may_connect(client)) {
    context_.statistics.add(Statistics::kAccessRefusals);
    return context_.admission.turn_away(http::Refusal::kAddressRefused);
  }
  Admission::Place place = context_.admission.enter(client, is_proxy);
  if (place.refusal() == http::Refusal::kNone) return place;
  context_.statistics.add(Statistics::kConnectionRefusals);
  if (place.may_speak() || health_ == nullptr || turned_away_.empty()) return place;
  turned_away_.front()->give_way();
  return context_.admission.turn_away(place.refusal());
}

/// For those who are too many even to be turned away in order: what the socket takes at once.
void Server::turn_away(const net::UniqueFd& fd, const net::Address& peer, http::Refusal refusal, bool tls) {
  context_.statistics.count_refusal(refusal);
  if (context_.refusals != nullptr) context_.refusals->note(refusal, peer, {});
  if (context_.throttle.admit(context_.log, context_.loop.now()))
    context_.log.write(LogLevel::kWarning, refusal_line(refusal, peer.text(), "", ""));
  const http::RefusalInfo& info = http::describe(refusal);
  const auto log_it = [&](std::uint64_t body_bytes, bool is_out) {
    if (context_.access_log == nullptr) return;
    LogFacts facts;
    facts.client = facts.peer = peer;
    facts.status = info.status;
    context_.access_log->add_refusal(facts, body_bytes, is_out);
  };
  if (tls) return log_it(0, false);
  const std::string body = http::error_body(info.status, info.reason, false);
  std::string reply;
  http::ReplyHead head;
  head.status = info.status;
  head.date = context_.date.value(std::time(nullptr));
  head.content_type = "text/plain; charset=utf-8";
  head.length = body.size();
  head.connection = "close";
  http::append_reply_head(head, reply);
  reply += body;
  const iovec bytes{reply.data(), reply.size()};
  if (net::transmit(fd.get(), std::span(&bytes, 1)).state != net::IoResult::State::kDone)
    return log_it(0, false);
  log_it(body.size(), true);
  context_.statistics.count_reply(info.status);
  ::shutdown(fd.get(), SHUT_WR);
  // With something unread in it the end of the socket would be a reset.
  static_cast<void>(net::receive(fd.get(), context_.read_buffer.data(), Context::kReadBufferSize));
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

/// malloc() keeps what thousands of connections have left behind, unless it is asked.
void Server::give_memory_back() noexcept {
  if (most_ < kManyConnections || count_ > most_ / 8) return;
  ::malloc_trim(0);
  most_ = count_;
}

void Server::on_closed(Connection& connection) noexcept {
  --count_;
  std::erase(turned_away_, &connection);
  delete &connection;
  give_memory_back();
  for (const Entrance& entrance : entrances_)
    entrance.listener->resume();
  if (count_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

}  // namespace httpd::server
