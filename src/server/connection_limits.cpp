// How long a connection waits, for what, and what comes then. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "server/connection.h"

namespace httpd::server {
namespace {

/// A client that is still sending what nobody reads any more is listened to for so long in all, and for so
/// long without a byte, so that it finds its reply before the connection is reset.
constexpr net::Duration kLingerTime = std::chrono::seconds(10);
constexpr net::Duration kLingerGap = std::chrono::seconds(2);
constexpr net::Duration kStreamRetry = std::chrono::milliseconds(20);
/// Most handlers answer within this, and a client that has only finished sending gets no interim reply then.
constexpr net::Duration kGonePatience = std::chrono::milliseconds(50);

/// How long a client waits for its turn and for the hash of its password together.
constexpr net::Duration kCheckPatience = std::chrono::seconds(30);

/// In a place beyond the limits a request must come at once, since there are few for all who may have one.
constexpr net::Duration kBriefPatience = std::chrono::seconds(2);

/// The time that `bytes` may take at `rate` bytes a second.
net::Duration time_for(std::uint64_t bytes, std::size_t rate) noexcept {
  constexpr std::uint64_t kForEver = 100'000'000;  // seconds
  return std::chrono::seconds(std::min(bytes / rate, kForEver)) +
         std::chrono::nanoseconds(bytes % rate * 1'000'000'000U / rate);
}

/// How often what a client takes is looked at, so that a limit ends at most so much later.
net::Duration look_interval(std::chrono::seconds limit) noexcept {
  return std::min<net::Duration>(std::chrono::seconds(1), net::Duration(limit) / 8);
}

}  // namespace

/// While no request has begun.
Connection::Limit Connection::first_limit() const noexcept {
  if (phase_ == Phase::kProxyHeader) return Limit::kProxyHeader;
  return phase_ == Phase::kHandshake ? Limit::kHandshake : Limit::kIdle;
}

void Connection::on_new_limits() noexcept {
  switch (limit_) {
    case Limit::kProxyHeader:
    case Limit::kHandshake:
    case Limit::kIdle:
    case Limit::kHead:
    case Limit::kBody:
    case Limit::kSend:
    case Limit::kHandler:
      return set_limit(limit_, true);
    case Limit::kNone:
    case Limit::kChecking:
    case Limit::kStream:
    case Limit::kLinger:
    case Limit::kGone:
    case Limit::kPlace:
      break;
  }
}

void Connection::set_limit(Limit limit, bool restart) {
  if (limit == limit_ && !restart) return;
  limit_ = limit;
  const Settings& settings = context_.settings;
  net::Duration delay{};
  switch (limit) {
    case Limit::kNone:
      return cancel();
    case Limit::kProxyHeader:
      delay = settings.header_timeout;
      break;
    case Limit::kChecking:
      delay = kCheckPatience;
      break;
    case Limit::kHandshake:
      delay = settings.tls_handshake_timeout;
      if (place_.is_brief()) delay = std::min(delay, kBriefPatience);
      break;
    case Limit::kIdle:
      if (place_.is_brief()) {
        delay = kBriefPatience;
      } else if (context_.leaving) {
        delay = *context_.leaving;
        if (settings.conn_timeout != std::chrono::seconds::zero())
          delay = std::min<net::Duration>(delay, settings.conn_timeout);
      } else if (settings.conn_timeout == std::chrono::seconds::zero()) {
        return cancel();
      } else {
        delay = settings.conn_timeout;
      }
      break;
    case Limit::kHead:
      delay = settings.header_timeout;
      if (place_.is_brief()) delay = std::min(delay, kBriefPatience);
      break;
    case Limit::kBody:
      delay = settings.body_timeout;
      by_rate_ = body_patience() < delay;
      if (by_rate_) delay = body_patience();
      break;
    case Limit::kSend:
      delay = std::min(send_patience(), look_interval(settings.send_timeout));
      break;
    case Limit::kStream:
      delay = kStreamRetry;
      break;
    case Limit::kLinger:
      delay = std::min(kLingerGap, since_ + kLingerTime - context_.loop.now());
      break;
    case Limit::kGone:
      delay = kGonePatience;
      break;
    case Limit::kPlace:
      break;  // not of time
    case Limit::kHandler:
      if (settings.handler_timeout == std::chrono::seconds::zero()) return cancel();
      delay = since_ + settings.handler_timeout - context_.loop.now();
      break;
  }
  context_.loop.arm(*this, delay);
}

void Connection::on_timer() {
  const Limit expired = std::exchange(limit_, Limit::kNone);
  if (expired == Limit::kSend) {
    look_at_client();
    if (send_patience() > net::Duration::zero()) return set_limit(Limit::kSend, true);
  }
  take_turn(expired);
}

void Connection::on_limit(Limit expired) {
  switch (expired) {
    case Limit::kHandshake:
      if (place_.refusal() != http::Refusal::kNone) {
        context_.statistics.add(Statistics::kTlsFailures);
        refuse_early(place_.refusal());
        break;
      }
      context_.statistics.add(Statistics::kTimeouts);
      context_.statistics.add(Statistics::kHandshakeTimeouts);
      context_.statistics.add(Statistics::kTlsFailures);
      if (context_.throttle.admit(context_.log, context_.loop.now()))
        context_.log.write(
            LogLevel::kInfo,
            fmt::format("{} did not finish its TLS handshake in {} s: connection closed; parameter "
                        "tls_handshake_timeout of module httpd moves this limit",
                        client_text(), context_.settings.tls_handshake_timeout.count()));
      close();
      break;
    case Limit::kChecking:
      check_.reset();
      context_.statistics.add(Statistics::kAuthThrottled);
      refuse(http::Refusal::kTooManyChecks, true);
      break;
    case Limit::kProxyHeader:
      context_.statistics.add(Statistics::kTimeouts);
      refuse_early(http::Refusal::kHeaderTimeout);
      break;
    case Limit::kHead:
      if (place_.refusal() != http::Refusal::kNone) {
        refuse(place_.refusal(), true);
        break;
      }
      context_.statistics.add(Statistics::kTimeouts);
      refuse(http::Refusal::kHeaderTimeout, true);
      break;
    case Limit::kBody:
      context_.statistics.add(Statistics::kTimeouts);
      refuse(by_rate_ ? http::Refusal::kBodyTooSlow : http::Refusal::kBodyTimeout, true);
      break;
    case Limit::kSend:
      on_send_limit();
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
    case Limit::kPlace:
      leave_place();
      break;
    case Limit::kIdle:
      if (place_.refusal() != http::Refusal::kNone) {
        turn_away();
        break;
      }
      context_.statistics.add(Statistics::kIdleTimeouts);
      close();
      break;
    case Limit::kLinger:
      close();
      break;
  }
}

net::Duration Connection::body_patience() const noexcept {
  const Settings& settings = context_.settings;
  if (settings.min_body_rate == 0) return net::Duration::max();
  const net::Duration allowed =
      settings.body_timeout + time_for(exchange_->parser().body_size(), settings.min_body_rate);
  return since_ + allowed - context_.loop.now();
}

net::Duration Connection::send_patience() noexcept {
  const Settings& settings = context_.settings;
  const net::TimePoint standstill = send_watch_->taken_at + settings.send_timeout;
  net::TimePoint end = standstill;
  if (settings.min_send_rate != 0)
    end = std::min(end, send_watch_->since + settings.send_timeout +
                            time_for(send_watch_->taken, settings.min_send_rate));
  by_rate_ = end < standstill;
  return end - context_.loop.now();
}

/// Replies wait for the client to take them.
void Connection::await_client() {
  if (send_watch_ == nullptr) {
    const net::TimePoint now = context_.loop.now();
    send_watch_ =
        std::make_unique<SendWatch>(SendWatch{now, now, net::unsent_bytes(stream_->descriptor()), 0});
  } else if (progressed_) {
    look_at_client();
  }
  set_limit(Limit::kSend, progressed_);
}

/// Finds out how much the client has taken. The kernel says that there is room for more only when a large
/// part of its buffer is free, which a slow client takes a while for, and a fast one is done with in no time,
/// so neither is what the client does.
void Connection::look_at_client() noexcept {
  const std::uint64_t unsent = net::unsent_bytes(stream_->descriptor());
  SendWatch& watch = *send_watch_;
  const std::uint64_t taken = watch.offered - std::min(watch.offered, unsent);
  if (taken > watch.taken) watch.taken_at = context_.loop.now();
  watch.taken = taken;
}

void Connection::on_send_limit() {
  context_.statistics.add(Statistics::kTimeouts);
  context_.statistics.add(Statistics::kSendTimeouts);
  if (context_.throttle.admit(context_.log, context_.loop.now())) {
    const Settings& settings = context_.settings;
    context_.log.write(
        LogLevel::kWarning,
        by_rate_ ? fmt::format("{} took less of its reply than {} bytes a second: connection cut; parameter "
                               "min_send_rate of module httpd moves this limit",
                               client_text(), settings.min_send_rate)
                 : fmt::format("{} took no byte of its reply for {} s: connection cut; parameter "
                               "send_timeout of module httpd moves this limit",
                               client_text(), settings.send_timeout.count()));
  }
  abort();
}

}  // namespace httpd::server
