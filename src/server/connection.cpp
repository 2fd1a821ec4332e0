// The connection's state machine. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/connection.h"

#include <sys/socket.h>
#include <utility>

#include "http/wipe.h"

namespace httpd::server {
namespace {

constexpr int kStepsInARow = 128;  // about as many requests of a pipeline before others get their turn
/// A client whose handlers take longer than this together lets the others in between.
constexpr net::Duration kLongestTurn = std::chrono::milliseconds(5);

}  // namespace

Connection::Connection(Context& context, Owner& owner, std::unique_ptr<net::Stream> stream,
                       const net::Address& peer, Admission::Place place, Preface preface)
    : context_(context),
      owner_(owner),
      stream_(std::move(stream)),
      place_(std::move(place)),
      peer_(peer),
      phase_(preface == Preface::kProxyHeader ? Phase::kProxyHeader : first_phase()) {
  // Edge-triggered and for both directions from the start, so that no request costs an epoll_ctl.
  context_.loop.add(stream_->descriptor(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this);
  context_.statistics.add(Statistics::kOpenConnections);
  // One that is turned away is so with its first event: that the socket can be written to.
  set_limit(first_limit(), true);
}

Connection::~Connection() {
  if (log_ != nullptr) log_end();
  check_.reset();
  http::wipe(stash_);
  // Cut off by the server's end: half a reply must not look like a whole one.
  if (phase_ == Phase::kStreaming || !queue_.empty()) stream_->abort();
  context_.loop.remove(stream_->descriptor(), *this);
  context_.statistics.subtract(Statistics::kOpenConnections);
  phase_ = Phase::kClosed;
  show_waiting();
  show_as(Statistics::kCounters);
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
  show_as(Statistics::kCounters);
  context_.turn_began = context_.loop.now();
  context_.turn_read = 0;
  for (int steps = 0; phase_ != Phase::kClosed; ++steps) {
    // The clock moves on with each handler that is run, so this counts their time.
    if (steps == kStepsInARow || context_.loop.now() - context_.turn_began > kLongestTurn) {
      context_.loop.post(*this);
      break;
    }
    if (step() == Step::kWait) break;
    // Answered, and nothing more has come.
    if (phase_ == Phase::kIdle && input_.empty() && !readable_ && !input_ended_) break;
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
    case Phase::kProxyHeader:
      return read_proxy_header();
    case Phase::kHandshake:
      return shake_hands();
    case Phase::kTurnedAway:
      return turn_away();
    case Phase::kIdle:
    case Phase::kHead:
      return read_head();
    case Phase::kChecking:
      return on_checked();
    case Phase::kBody:
      return read_body();
    case Phase::kHandling:
      if (exchange_->finished()) {
        context_.loop.set_exact_time();
        count_handler();
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
    show_as(Statistics::kRepliesInFlight);
    await_client();
    show_waiting();
    return true;
  }
  if (send_watch_ != nullptr) {
    show_waiting();
    send_watch_.reset();
  }
  switch (phase_) {
    case Phase::kProxyHeader:
    case Phase::kHandshake:
    case Phase::kTurnedAway:
    case Phase::kIdle:
      if (context_.draining && !context_.leaving) {
        close();
        return false;
      }
      if (phase_ == Phase::kIdle) show_as(Statistics::kIdleConnections);
      set_limit(first_limit(), false);
      break;
    case Phase::kHead:
      set_limit(Limit::kHead, false);
      break;
    case Phase::kChecking:
      set_limit(Limit::kChecking, false);
      break;
    case Phase::kBody:
      set_limit(Limit::kBody, progressed_);
      break;
    case Phase::kHandling:
      show_as(Statistics::kRequestsInProgress);
      await_reply();
      break;
    case Phase::kStreaming:
      show_as(Statistics::kRepliesInFlight);
      set_limit(supply_ == Supply::kPolled ? Limit::kStream : Limit::kNone, true);
      break;
    case Phase::kLingering:
      set_limit(Limit::kLinger, progressed_);
      break;
    case Phase::kEnding:
      await_client();
      break;
    case Phase::kClosed:
      break;
  }
  return true;
}

/// What it is counted as until its next turn; kCounters for nothing.
void Connection::show_as(Statistics::Name gauge) noexcept {
  if (shown_ != kNotShown) context_.statistics.subtract(static_cast<Statistics::Name>(shown_));
  shown_ = gauge == Statistics::kCounters ? kNotShown : static_cast<std::uint8_t>(gauge);
  if (shown_ != kNotShown) context_.statistics.add(gauge);
}

/// Counts the bytes that its client keeps waiting.
void Connection::show_waiting() noexcept {
  if (send_watch_ == nullptr) return;
  const std::uint64_t size = phase_ == Phase::kClosed ? 0 : queue_.size();
  context_.statistics.add(Statistics::kBytesWaiting, size - send_watch_->counted);
  send_watch_->counted = size;
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
