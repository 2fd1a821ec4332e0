// The connection's state machine and its time limits. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

namespace httpd::server {
namespace {

constexpr int kStepsInARow = 128;  // about as many requests of a pipeline before others get their turn
/// A client whose handlers take longer than this together lets the others in between.
constexpr net::Duration kLongestTurn = std::chrono::milliseconds(5);
constexpr net::Duration kLingerTime = std::chrono::seconds(2);
constexpr net::Duration kStreamRetry = std::chrono::milliseconds(20);
/// Most handlers answer within this, and a client that has only finished sending gets no interim reply then.
constexpr net::Duration kGonePatience = std::chrono::milliseconds(50);

}  // namespace

Connection::Connection(Context& context, Owner& owner, std::unique_ptr<net::Stream> stream,
                       const net::Address& peer)
    : context_(context), owner_(owner), stream_(std::move(stream)), peer_(peer) {
  if (stream_->tls() != nullptr) phase_ = Phase::kHandshake;
  // Edge-triggered and for both directions from the start, so that no request costs an epoll_ctl.
  context_.loop.add(stream_->descriptor(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
  context_.statistics.add(Statistics::kOpenConnections);
  set_limit(phase_ == Phase::kHandshake ? Limit::kHandshake : Limit::kIdle, true);
}

Connection::~Connection() {
  // Cut off by the server's end: half a reply must not look like a whole one.
  if (phase_ == Phase::kStreaming || !queue_.empty()) stream_->abort();
  context_.loop.remove(stream_->descriptor(), *this);
  context_.statistics.subtract(Statistics::kOpenConnections);
  if (exchange_) context_.give_back(std::move(exchange_));
}

void Connection::on_events(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  // EPOLLRDHUP alone is a client that has only finished sending.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken_ = true;
  drive();
}

void Connection::run() {
  drive();
}

void Connection::on_reply_finished(Exchange& /*exchange*/) noexcept {
  context_.loop.post(*this);
}

const net::Address& Connection::local_address() noexcept {
  if (local_.family() == AF_UNSPEC) {
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    if (::getsockname(stream_->descriptor(), reinterpret_cast<sockaddr*>(&bound), &length) == 0)
      local_ = net::Address(reinterpret_cast<sockaddr&>(bound), length);
  }
  return local_;
}

void Connection::on_draining() {
  readable_ = true;  // a request may have arrived that no event has told of yet
  drive();
}

/// What an event, a timer or a finished reply sets in motion; `expired` is the limit that ran out, if one
/// did.
void Connection::take_turn(Limit expired) noexcept {
  {
    const Context::Turn turn(context_);
    try {
      if (expired != Limit::kNone) on_limit(expired);
      take_steps();
    } catch (const std::exception& exception) {
      // Out of memory, most likely: this connection is lost, the others are not.
      context_.log.write(LogLevel::kError, exception.what());
      abort();
    } catch (...) {
      context_.log.write(LogLevel::kError, "an exception that is no std::exception: connection cut");
      abort();
    }
  }
  if (phase_ == Phase::kClosed) owner_.on_closed(*this);
}

void Connection::take_steps() {
  input_ = stash_;
  progressed_ = false;
  turn_began_ = context_.loop.now();
  for (int steps = 0; phase_ != Phase::kClosed; ++steps) {
    // The clock moves on with each handler that is run, so this counts their time.
    if (steps == kStepsInARow || context_.loop.now() - turn_began_ > kLongestTurn) {
      context_.loop.post(*this);
      break;
    }
    if (step() == Step::kWait) break;
  }
  if (!wait()) return;
  keep_input();
}

Connection::Step Connection::step() {
  // A client that does not take its replies gets no further ones made.
  if (!queue_.empty() || context_.output.size() > Context::kReadBufferSize) {
    if (!flush()) return Step::kWait;
  }
  switch (phase_) {
    case Phase::kHandshake:
      return shake_hands();
    case Phase::kIdle:
    case Phase::kHead:
      return read_head();
    case Phase::kBody:
      return read_body();
    case Phase::kHandling:
      if (exchange_->finished()) {
        start_reply();
        return Step::kAgain;
      }
      if (broken_) close();
      return Step::kWait;
    case Phase::kStreaming:
      return pump_stream();
    case Phase::kEnding:
      return flush() ? end_connection() : Step::kWait;
    case Phase::kLingering:
      return discard_input();
    case Phase::kClosed:
      break;
  }
  return Step::kWait;
}

/// Writes what the turn has made, and sets the limit for what comes next. False when the connection is over.
bool Connection::wait() {
  if (phase_ == Phase::kClosed) return false;
  const bool written = flush();
  if (phase_ == Phase::kClosed) return false;
  if (!written) {
    set_limit(Limit::kSend, progressed_);
    return true;
  }
  switch (phase_) {
    case Phase::kHandshake:
    case Phase::kIdle:
      if (context_.draining) {
        close();
        return false;
      }
      set_limit(phase_ == Phase::kHandshake ? Limit::kHandshake : Limit::kIdle, false);
      break;
    case Phase::kHead:
      set_limit(Limit::kHead, false);
      break;
    case Phase::kBody:
      set_limit(Limit::kBody, progressed_);
      break;
    case Phase::kHandling:
      await_reply();
      break;
    case Phase::kStreaming:
      set_limit(supply_ == Supply::kPolled ? Limit::kStream : Limit::kNone, true);
      break;
    case Phase::kLingering:
      set_limit(Limit::kLinger, false);
      break;
    case Phase::kEnding:
      set_limit(Limit::kSend, progressed_);
      break;
    case Phase::kClosed:
      break;
  }
  return true;
}

void Connection::set_limit(Limit limit, bool restart) {
  if (limit == limit_ && !restart) return;
  limit_ = limit;
  const Settings& settings = context_.settings;
  net::Duration delay{};
  switch (limit) {
    case Limit::kNone:
      return cancel();
    case Limit::kHandshake:
      delay = settings.tls_handshake_timeout;
      break;
    case Limit::kIdle:
      if (settings.conn_timeout == std::chrono::seconds::zero()) return cancel();
      delay = settings.conn_timeout;
      break;
    case Limit::kHead:
      delay = settings.header_timeout;
      break;
    case Limit::kBody:
      delay = settings.body_timeout;
      break;
    case Limit::kSend:
      delay = settings.send_timeout;
      break;
    case Limit::kStream:
      delay = kStreamRetry;
      break;
    case Limit::kLinger:
      delay = kLingerTime;
      break;
    case Limit::kGone:
      delay = kGonePatience;
      break;
    case Limit::kHandler:
      if (settings.handler_timeout == std::chrono::seconds::zero()) return cancel();
      delay = kept_since_ + settings.handler_timeout - context_.loop.now();
      break;
  }
  context_.loop.arm(*this, delay);
}

void Connection::on_timer() {
  take_turn(std::exchange(limit_, Limit::kNone));
}

void Connection::on_limit(Limit expired) {
  if (expired == Limit::kHandshake || expired == Limit::kHead || expired == Limit::kBody ||
      expired == Limit::kSend)
    context_.statistics.add(Statistics::kTimeouts);
  switch (expired) {
    case Limit::kHandshake:
      context_.statistics.add(Statistics::kTlsFailures);
      if (context_.throttle.admit(context_.log, context_.loop.now()))
        context_.log.write(
            LogLevel::kInfo,
            fmt::format("{} did not finish its TLS handshake in {} s: connection closed; parameter "
                        "tls_handshake_timeout of module httpd moves this limit",
                        client_text(), context_.settings.tls_handshake_timeout.count()));
      close();
      break;
    case Limit::kHead:
      refuse(http::Refusal::kHeaderTimeout, true);
      break;
    case Limit::kBody:
      refuse(http::Refusal::kBodyTimeout, true);
      break;
    case Limit::kSend:
      if (context_.throttle.admit(context_.log, context_.loop.now()))
        context_.log.write(LogLevel::kWarning,
                           fmt::format("{} took no byte of its reply for {} s: connection cut; parameter "
                                       "send_timeout of module httpd moves this limit",
                                       client_text(), context_.settings.send_timeout.count()));
      abort();
      break;
    case Limit::kGone:
      look_for_client();
      break;
    case Limit::kHandler:
      end_patience();
      break;
    case Limit::kStream:
    case Limit::kNone:
      break;
    case Limit::kIdle:
    case Limit::kLinger:
      close();
      break;
  }
}

/// Ends the connection so that the client cannot take what it has for a complete reply.
void Connection::abort() noexcept {
  stream_->abort();
  queue_.clear();
  phase_ = Phase::kClosed;
}

/// Ends the connection in order, if it is in order: what is still to be said would be lost.
void Connection::close() noexcept {
  const bool all_said = phase_ == Phase::kIdle || phase_ == Phase::kEnding;
  if (all_said && queue_.empty() && context_.output.empty()) static_cast<void>(stream_->end());
  phase_ = Phase::kClosed;
}

}  // namespace httpd::server
