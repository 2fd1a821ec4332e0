// The beginning of a connection over TLS. SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <sys/socket.h>

#include "http/escape.h"
#include "net/tls_stream.h"
#include "server/connection.h"

namespace httpd::server {

Connection::Step Connection::shake_hands() {
  net::TlsStream& tls = *stream_->tls();
  // Its client could not come to a request any more, and the work would take the time of replies in progress.
  if (context_.draining && !context_.leaving && !tls.has_begun()) {
    close();
    return Step::kWait;
  }
  switch (tls.handshake()) {
    case net::TlsStream::Handshake::kDone:
      return on_secured(tls);
    case net::TlsStream::Handshake::kPlainText:
      return on_plain_text();
    case net::TlsStream::Handshake::kFailed:
      return on_handshake_failure(tls);
    case net::TlsStream::Handshake::kHungUp:
      // Port scans and health checks do that; there is nobody left to tell.
      context_.statistics.add(Statistics::kTlsFailures);
      close();
      return Step::kWait;
    case net::TlsStream::Handshake::kBlocked:
      break;
  }
  return Step::kWait;
}

Connection::Step Connection::on_secured(net::TlsStream& tls) {
  context_.loop.refresh_time();
  context_.statistics.add(Statistics::kTlsHandshakes);
  context_.statistics.add(tls.resumed() ? Statistics::kTlsResumed : Statistics::kTlsFull);
  net::TlsFacts facts = tls.facts();
  auto session = std::make_shared<TlsSession>();
  session->version = facts.version;
  session->cipher_suite = std::move(facts.cipher_suite);
  session->server_name = std::move(facts.server_name);
  session->client_subject = std::move(facts.client_subject);
  session->client_issuer = std::move(facts.client_issuer);
  session->client_serial = std::move(facts.client_serial);
  session->client_fingerprint = std::move(facts.client_fingerprint);
  tls_ = std::move(session);
  phase_ = first_phase();
  limit_ = Limit::kNone;
  readable_ = true;  // a request may have come with the end of the handshake
  return Step::kAgain;
}

Connection::Step Connection::on_handshake_failure(const net::TlsStream& tls) {
  context_.loop.refresh_time();
  context_.statistics.add(Statistics::kTlsFailures);
  if (context_.log.enabled(LogLevel::kInfo) && context_.throttle.admit(context_.log, context_.loop.now()))
    context_.log.write(LogLevel::kInfo, fmt::format("{}: TLS handshake failed: {}", client_text(),
                                                    http::escape_for_log(tls.failure())));
  linger_ = true;  // what the client was told is lost if it finds the connection reset
  phase_ = Phase::kEnding;
  return Step::kAgain;
}

Connection::Step Connection::on_plain_text() {
  context_.statistics.add(Statistics::kTlsFailures);
  exchange_ = context_.take_exchange();
  exchange_->begin(*this, peer_, nullptr);
  return refuse(http::Refusal::kPlainHttp, true);
}

std::string Connection::client_text() const {
  if (exchange_ != nullptr && is_forwarded()) {
    const net::Address& client = exchange_->client_address();
    // Most proxies do not tell the port.
    return fmt::format("{} (through {})", client.port() == 0 ? client.ip_text() : client.text(),
                       peer_.text());
  }
  if (peer_.family() != AF_UNIX) return peer_.text();
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(stream_->descriptor(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
    return peer_.text();
  return fmt::format("unix (process {}, user {})", credentials.pid, credentials.uid);
}

}  // namespace httpd::server
