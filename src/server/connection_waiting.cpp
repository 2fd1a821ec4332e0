// While nothing can be sent yet: a handler keeps its reply, or a stream has nothing. Whether the client is
// still there, and how long it is kept waiting. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/reply_head.h"
#include "server/connection.h"

namespace httpd::server {

/// What a source answered when it was asked. True when there is nothing to send, nor an end.
bool Connection::stream_waits(std::ptrdiff_t answer) noexcept {
  if (answer != BodySource::kLater && answer != BodySource::kWait) {
    supply_ = Supply::kReady;
    return false;
  }
  if (woken_) {
    supply_ = Supply::kReady;
    context_.loop.post(*this);
  } else {
    supply_ = answer == BodySource::kLater ? Supply::kPolled : Supply::kWaiting;
  }
  return true;
}

void Connection::on_wake() noexcept {
  woken_ = true;
  if (supply_ == Supply::kReady) return;  // it is being asked, or will be once the client has taken more
  supply_ = Supply::kReady;
  context_.loop.post(*this);
}

/// The one place where a kept reply's limits are set.
void Connection::await_reply() {
  // A client that has closed its socket looks like one that has only finished sending, until something is
  // sent to it: then a reset comes back, which is EPOLLERR. An interim reply says nothing to those who are
  // there (RFC 9110 section 15.2), and must not go to HTTP/1.0 clients.
  if ((hung_up_ || input_ended_) && !looked_for_ && !exchange_->parser().head().http_1_0)
    return set_limit(Limit::kGone, false);
  // A dispatcher has limits of its own: it knows who waits and who is served.
  set_limit(dispatcher() == nullptr ? Limit::kHandler : Limit::kNone, true);
}

void Connection::look_for_client() {
  if (exchange_->finished()) return;
  looked_for_ = true;
  context_.output += http::kContinue;
}

/// The handler has kept its reply too long. It may keep the exchange, and look at the request in it; a fresh
/// one, for which the head is read once more, carries the reply that the client gets instead.
void Connection::end_patience() {
  if (exchange_->finished()) return;
  context_.statistics.add(Statistics::kHandlerTimeouts);
  context_.loop.set_exact_time();
  count_handler();
  std::unique_ptr<Exchange> fresh = context_.take_exchange();
  fresh->begin(*this, exchange_->client_address(), tls_);
  fresh->set_access_fields(exchange_->access_fields());
  fresh->set_request_id(exchange_->request_id());
  fresh->parser().parse_head(exchange_->parser().head_text());
  fresh->route(context_.router);
  context_.give_back(std::exchange(exchange_, std::move(fresh)));
  refuse(http::Refusal::kHandlerTimeout, false);
}

}  // namespace httpd::server
