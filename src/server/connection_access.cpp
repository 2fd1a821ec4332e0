// Who may come in: what a proxy tells, and what is decided about a request before its body is read.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>

#include "http/escape.h"
#include "server/connection.h"

namespace httpd::server {

/// Looks at what has come, and takes the header out of the socket once it is whole: what is behind it is for
/// the stream.
Connection::Step Connection::read_proxy_header() {
  if (!readable_) return Step::kWait;
  std::array<char, net::kMaxProxyHeader> bytes{};
  const int socket = stream_->descriptor();
  const ssize_t count = ::recv(socket, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) close();
    readable_ = false;
    return Step::kWait;
  }
  const net::ProxyHeader header = net::parse_proxy_header({bytes.data(), static_cast<std::size_t>(count)});
  switch (header.state) {
    case net::ProxyHeader::State::kMore:
      // What has come is not taken, so that more of it brings an event, and the end of it did.
      readable_ = false;
      return count == 0 || hung_up_ ? refuse_early(http::Refusal::kMalformedProxyHeader) : Step::kWait;
    case net::ProxyHeader::State::kMalformed:
      return refuse_early(http::Refusal::kMalformedProxyHeader);
    case net::ProxyHeader::State::kComplete:
      break;
  }
  if (::recv(socket, bytes.data(), header.size, MSG_DONTWAIT) != static_cast<ssize_t>(header.size)) {
    close();
    return Step::kWait;
  }
  return on_proxy_header(header);
}

Connection::Step Connection::on_proxy_header(const net::ProxyHeader& header) {
  if (!header.is_local) {
    peer_ = header.client;
    if (header.server.family() != AF_UNSPEC) local_ = header.server;
    place_ = Admission::Place();
    place_ = owner_.find_place(*this, peer_);
    if (!place_.may_speak()) return refuse_early(place_.refusal());
  }
  phase_ = first_phase();
  limit_ = Limit::kNone;
  return Step::kAgain;
}

/// Before there is a request. Who expects a handshake would not understand a reply: it is closed, with
/// nothing left unread, which would make the end a reset.
Connection::Step Connection::refuse_early(http::Refusal refusal) {
  exchange_ = context_.take_exchange();
  exchange_->begin(*this, peer_, nullptr);
  if (stream_->tls() == nullptr && place_.may_speak()) return refuse(refusal, true);
  note_refusal(refusal);
  if (context_.access_log != nullptr) log_silent_refusal(http::describe(refusal).status);
  static_cast<void>(
      net::receive(stream_->descriptor(), context_.read_buffer.data(), Context::kReadBufferSize));
  close();
  return Step::kWait;
}

void Connection::give_way() {
  take_turn(Limit::kPlace);
}

void Connection::leave_place() {
  if (phase_ == Phase::kTurnedAway || phase_ == Phase::kIdle || phase_ == Phase::kHead) {
    readable_ = true;  // its request may have arrived, and no event has told of it yet
    take_steps();
  }
  if (phase_ == Phase::kIdle || phase_ == Phase::kHead) {
    if (exchange_ == nullptr) {
      turn_away();
    } else {
      refuse(place_.refusal(), true);
    }
    flush();
  }
  // With something unread in the socket its end would be a reset.
  static_cast<void>(
      net::receive(stream_->descriptor(), context_.read_buffer.data(), Context::kReadBufferSize));
  close();
}

/// True when the client sent its request to a proxy, whose connection this is.
bool Connection::is_forwarded() const noexcept {
  const net::Address& client = exchange_->client_address();
  if (client.family() != peer_.family()) return true;
  return (client.family() == AF_INET || client.family() == AF_INET6) && client != peer_;
}

Access::Visitor Connection::visitor() const noexcept {
  return {exchange_->parser().head(),
          exchange_->routed_to(),
          exchange_->client_address(),
          tls_.get(),
          place_,
          is_forwarded(),
          is_for_health()};
}

Connection::Step Connection::decide() {
  if (context_.access.reads_forwarded_fields()) {
    net::Address client;
    if (const http::Refusal refusal =
            find_client(context_.settings.access.forwarding, exchange_->parser().head(), peer_, client);
        refusal != http::Refusal::kNone)
      return refuse(refusal, true);
    exchange_->set_client(client);
  }
  refusal_ = exchange_->route(context_.router);
  if (!is_for_health()) {
    if (place_.refusal() != http::Refusal::kNone) return refuse(place_.refusal(), true);
    if (context_.refusing) return refuse(http::Refusal::kShuttingDown, true);
  }
  const Access::Visitor asking = visitor();
  if (context_.access.has_answer_fields(asking))
    exchange_->set_access_fields(context_.access.answer_fields(asking));
  Access::Verdict verdict = context_.access.decide(asking);
  // What is a secret of the client's and the engine's is not kept, and no handler gets it.
  if (verdict.had_credentials) exchange_->parser().erase(http::FieldId::kAuthorization);
  if (verdict.check != nullptr) {
    check_ = std::move(verdict.check);
    phase_ = Phase::kChecking;
    limit_ = Limit::kNone;
    check_->start(*this);
    return Step::kAgain;
  }
  return on_verdict(std::move(verdict));
}

Connection::Step Connection::on_checked() {
  if (!check_->done()) {
    if (broken_) close();
    return Step::kWait;
  }
  const std::unique_ptr<CredentialCheck> check = std::move(check_);
  return on_verdict(context_.access.conclude(visitor(), *check));
}

void Connection::on_credentials_checked() noexcept {
  context_.loop.post(*this);
}

Connection::Step Connection::on_verdict(Access::Verdict verdict) {
  if (!verdict.user.empty()) exchange_->set_user(verdict.user);
  if (context_.refusing && !is_for_health()) return refuse(http::Refusal::kShuttingDown, true);
  if (verdict.refusal == http::Refusal::kNone) return on_decided();
  const http::Framing& framing = exchange_->parser().head().framing;
  const bool nothing_after = refusal_ == http::Refusal::kMalformedTarget;
  refusal_ = verdict.refusal;
  retry_after_ = static_cast<std::uint32_t>(verdict.retry_after.count());
  // A body that is here already is passed over; no other is waited for.
  const bool has_come = framing.body == http::Framing::Body::kNone ||
                        (framing.body == http::Framing::Body::kLength && framing.length <= input_.size());
  if (nothing_after || !has_come) return refuse(refusal_, true);
  return on_decided();
}

/// What of a request is the reason, in the words of the parameter that is to be changed.
std::string Connection::refusal_detail(http::Refusal refusal) const {
  const auto value = [this](http::FieldId id) -> std::string {
    for (const http::FieldLine& line : exchange_->parser().head().fields)
      if (line.id == id) return http::escape_for_log(line.value);
    return {};
  };
  if (refusal == http::Refusal::kForeignOrigin)
    return fmt::format("origin \"{}\" is not in cors_origins", value(http::FieldId::kOrigin));
  if (refusal == http::Refusal::kUnknownHost) return fmt::format("host \"{}\"", value(http::FieldId::kHost));
  if (refusal == http::Refusal::kUserRefused)
    return fmt::format("user \"{}\"", http::escape_for_log(exchange_->user()));
  return {};
}

}  // namespace httpd::server
