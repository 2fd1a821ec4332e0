// One client connection: reads requests, has them answered, writes the replies (RFC 9112 section 9).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/event_loop.h"
#include "net/proxy_header.h"
#include "net/stream.h"
#include "server/access/admission.h"
#include "server/access/credential_check.h"
#include "server/access_log/access_log.h"
#include "server/context.h"
#include "server/exchange.h"
#include "server/output.h"

namespace httpd::server {

/// A state machine driven by events, timers and finished replies. One request is in work at a time; those
/// that came behind it wait in order, first in the socket.
///
/// Destroys itself through Owner::on_closed() once it is closed; nobody else does, but the owner at its own
/// end.
class Connection final : public net::ListNode<Connection>,
                         private net::EventHandler,
                         private net::Timer,
                         private net::Task,
                         private Exchange::Owner,
                         private CredentialCheck::Owner,
                         private BodySource::Waker {
 public:
  class Owner {
   public:
    /// `connection` is to be destroyed; it touches nothing of itself any more.
    virtual void on_closed(Connection& connection) noexcept = 0;
    /// A place for a connection that has given up its own, since it turned out to be `client`'s. Other
    /// connections may be closed for it. Throws std::bad_alloc.
    [[nodiscard]] virtual Admission::Place find_place(Connection& connection, const net::Address& client) = 0;

   protected:
    ~Owner() = default;
  };

  /// What a connection begins with, before TLS.
  enum class Preface : bool { kNone, kProxyHeader };

  /// Starts to wait for requests, or to tell the client of the refusal that `place` holds. `context` and
  /// `owner` must outlive it. Throws std::system_error when the kernel cannot watch the stream.
  Connection(Context& context, Owner& owner, std::unique_ptr<net::Stream> stream, const net::Address& peer,
             Admission::Place place, Preface preface = Preface::kNone);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Context::draining was set: ends now if idle, else with the reply in work. May destroy this object.
  void on_draining();
  /// Of one that is turned away: another needs its place. Tells its client what it is still to be told, if
  /// the socket takes that at once, and destroys this object.
  void give_way();
  /// The settings have changed: what it waits for has the new limits, from now on.
  void on_new_limits() noexcept;

 private:
  enum class Phase : std::uint8_t {
    kProxyHeader,  // a trusted proxy tells who the client is
    kHandshake,    // TLS is being agreed on
    kTurnedAway,   // there is no place for it, which the client is to be told
    kIdle,         // between requests
    kHead,         // a request has begun
    kChecking,     // its head is complete, and its credentials take time
    kBody,         // its head is complete
    kHandling,     // a handler keeps the reply
    kStreaming,    // the reply's body comes from a BodySource
    kEnding,       // the last reply is being written; then the connection closes
    kLingering,    // we have closed our side and wait for the client to close its own
    kClosed,
  };
  enum class Step : bool { kWait, kAgain };
  static constexpr std::uint8_t kNotShown = 0xff;
  static_assert(Statistics::kCounters < kNotShown);
  enum class Limit : std::uint8_t {
    kNone,
    kProxyHeader,
    kHandshake,
    kChecking,
    kIdle,
    kHead,
    kBody,
    kSend,
    kStream,
    kLinger,
    kGone,
    kHandler,
    kPlace
  };
  enum class Fill : std::uint8_t { kData, kBlocked, kEnd };
  /// What a stream's source said last.
  enum class Supply : std::uint8_t { kReady, kPolled, kWaiting };

  /// What a client that keeps us waiting has taken.
  struct SendWatch {
    net::TimePoint since;       // from when on it does
    net::TimePoint taken_at;    // when it was last seen to have taken something
    std::uint64_t offered = 0;  // since then: bytes that the socket held or got
    std::uint64_t taken = 0;    // those of them that the client has
    std::uint64_t counted = 0;  // bytes of the queue, in Statistics::kBytesWaiting
  };

  // What sets it in motion. Each may end in the destruction of this object, and does nothing after that.
  void on_events(std::uint32_t events) override;
  void on_timer() override;
  void run() override;
  void on_reply_finished(Exchange& exchange) noexcept override;
  const net::Address& local_address() noexcept override;
  void on_wake() noexcept override;
  void on_credentials_checked() noexcept override;

  void drive() noexcept { take_turn(Limit::kNone); }
  void take_turn(Limit expired) noexcept;
  void take_steps();
  Step step();
  bool wait();
  void show_as(Statistics::Name gauge) noexcept;
  void show_waiting() noexcept;

  // Time limits (connection_limits.cpp)
  void set_limit(Limit limit, bool restart);
  [[nodiscard]] Limit first_limit() const noexcept;
  [[gnu::cold]] void on_limit(Limit expired);
  [[gnu::cold]] void await_client();
  [[gnu::cold]] void on_send_limit();
  [[nodiscard]] net::Duration body_patience() const noexcept;
  [[nodiscard]] net::Duration send_patience() noexcept;
  [[gnu::cold]] void look_at_client() noexcept;
  [[gnu::cold]] void leave_place();

  // Who may come in (connection_access.cpp)
  Step read_proxy_header();
  Step on_proxy_header(const net::ProxyHeader& header);
  [[gnu::cold]] Step refuse_early(http::Refusal refusal);
  [[nodiscard]] bool is_forwarded() const noexcept;
  Step decide();
  Step on_checked();
  Step on_verdict(Access::Verdict verdict);
  [[nodiscard]] Access::Visitor visitor() const noexcept;
  [[gnu::cold]] [[nodiscard]] std::string refusal_detail(http::Refusal refusal) const;

  // The beginning of a connection over TLS (connection_tls.cpp)
  Step shake_hands();
  Step on_secured(net::TlsStream& tls);
  [[gnu::cold]] Step on_handshake_failure(const net::TlsStream& tls);
  [[gnu::cold]] Step on_plain_text();

  // Input (connection_input.cpp)
  Step read_head();
  Step read_body();
  void expect_much() noexcept;
  Step on_head_complete();
  Step on_decided();
  void count_request();
  Step want_input();
  Fill fill();
  [[nodiscard]] bool has_had_its_share() const noexcept;
  [[gnu::cold]] Step on_input_end();
  [[gnu::cold]] Step discard_input();
  void consume(std::size_t bytes) noexcept { input_.remove_prefix(bytes); }
  [[gnu::cold]] void extend_stash(std::string_view more);
  void keep_input();

  // Replies (connection_reply.cpp)
  [[gnu::cold]] Step turn_away();
  Step on_message_complete();
  Step answer();
  [[gnu::cold]] Step refuse(http::Refusal refusal, bool close);
  [[gnu::cold]] void note_refusal(http::Refusal refusal);
  void count_handler() noexcept;
  void start_reply();
  void write_head(std::uint64_t length, bool streamed);
  void write_body(Exchange::Body& body);
  bool read_small_file(Exchange::Body& body);
  [[gnu::cold]] void on_file_failure();
  Step pump_stream();
  bool stream_waits(std::ptrdiff_t answer) noexcept;
  Step end_reply();
  template <typename Bytes>
  void write_large(Bytes bytes);
  bool flush();
  void on_written(const net::IoResult& result) noexcept;
  Step end_connection();
  [[gnu::cold]] void abort() noexcept;
  void close() noexcept;

  // Waiting for a handler, or for a stream that has nothing (connection_waiting.cpp)
  void await_reply();
  [[gnu::cold]] void look_for_client();
  [[gnu::cold]] void end_patience();

  // The access log (connection_log.cpp): where context_.access_log is not null, and with a log_ but for
  // log_reply(). Kept out of their callers, which have a branch for them and nothing else.
  [[nodiscard]] LogFacts log_facts() const;
  [[nodiscard]] std::uint64_t waiting_bytes() const noexcept;
  [[gnu::noinline]] void log_reply(std::uint64_t length, bool streamed);
  [[gnu::noinline]] void log_reply_made() noexcept;
  [[gnu::noinline]] void log_written(std::size_t bytes) noexcept;
  [[gnu::noinline]] void log_end() noexcept;
  [[gnu::cold]] void log_silent_refusal(int status) noexcept;
  [[gnu::noinline]] void identify();

  [[gnu::cold]] [[nodiscard]] std::string client_text() const;
  /// Once the client is known.
  [[nodiscard]] Phase first_phase() const noexcept {
    if (stream_->tls() != nullptr && tls_ == nullptr) return Phase::kHandshake;
    return place_.refusal() == http::Refusal::kNone || may_ask_for_health() ? Phase::kIdle
                                                                            : Phase::kTurnedAway;
  }
  /// Of one that is turned away.
  [[nodiscard]] bool may_ask_for_health() const noexcept {
    return context_.health != nullptr && place_.refusal() != http::Refusal::kAddressRefused;
  }
  [[nodiscard]] bool is_for_health() const noexcept {
    const Route* const route = exchange_->routed_to();
    return context_.health != nullptr && route != nullptr && route->handler.get() == context_.health;
  }
  /// Of the request in work: null when its handler runs in this process.
  [[nodiscard]] Dispatcher* dispatcher() const noexcept {
    const Route* const route = exchange_->routed_to();
    return route != nullptr && route->never_blocks ? nullptr : context_.dispatcher;
  }

  Context& context_;
  Owner& owner_;
  std::unique_ptr<net::Stream> stream_;
  Admission::Place place_;
  std::unique_ptr<CredentialCheck> check_;  // of the request in work, while it takes time
  std::unique_ptr<Exchange> exchange_;      // from the first byte of a request to the end of its reply
  OutputQueue queue_;
  AccessLog::Record log_;   // while a request is in work or a reply on its way, where there is an access log
  std::string stash_;       // input that waits for more, or for its turn
  std::string_view input_;  // what is to be parsed next: in stash_, or in the context's read buffer
  std::uint64_t stream_position_ = 0;
  const Route* file_route_ = nullptr;      // whose body is in the queue
  std::shared_ptr<const TlsSession> tls_;  // shared with requests that handlers keep when the client is gone
  net::Address peer_;
  net::Address local_;    // asked of the kernel when a handler asks
  net::TimePoint since_;  // when the body began to come, the handler got the request, or lingering began
  std::unique_ptr<SendWatch> send_watch_;         // while a client keeps its replies waiting
  std::uint32_t requests_ = 0;                    // on this connection
  std::uint32_t requests_read_ = 0;               // that came with the last read
  std::uint32_t retry_after_ = 0;                 // seconds; of a refusal that says so
  http::Refusal refusal_ = http::Refusal::kNone;  // to be sent once the message is complete
  Phase phase_ = Phase::kIdle;
  Limit limit_ = Limit::kNone;
  Supply supply_ = Supply::kReady;
  std::uint8_t shown_ = kNotShown;  // the gauge of Statistics that it is counted in between turns
  // Of bits, since there may be very many connections.
  bool readable_ : 1 = false;      // an event said so, and no read since has found the socket empty
  bool hung_up_ : 1 = false;       // the end of the input is near: read until it comes
  bool broken_ : 1 = false;        // both directions are gone: no reply can reach the client
  bool was_queued_ : 1 = false;    // the reply in work is large, or did not go out at once
  bool keep_alive_ : 1 = true;     // after the reply in work
  bool chunked_ : 1 = false;       // the stream's framing
  bool head_pending_ : 1 = false;  // the stream's head waits for the first piece of its body
  bool woken_ : 1 = false;         // the stream's source was, since it was last asked
  bool looked_for_ : 1 = false;    // an interim reply went to a client that may be gone
  bool linger_ : 1 = false;        // the client is still sending what nobody will read
  bool input_ended_ : 1 = false;
  bool progressed_ : 1 = false;  // bytes moved in this turn
  bool by_rate_ : 1 = false;     // limit_ ends when a minimum rate is missed, and not with a standstill
};

}  // namespace httpd::server
