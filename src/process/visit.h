// A request in a handler process: from its message to the message with its reply.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <httpd/log.h>
#include <httpd/reply.h>

#include "net/event_loop.h"
#include "process/memory_file.h"
#include "process/message.h"
#include "process/request_message.h"
#include "server/exchange.h"

namespace httpd::process {

/// Plays the connection's part for a request whose connection is in another process. Kept for reuse, with its
/// memory.
class Visit final : private server::Exchange::Owner,
                    private BodySource::Waker,
                    private net::Task,
                    private net::Timer {
 public:
  class Owner {
   public:
    /// Sends a message to the HTTPD process, at once. False when that is not possible for want of memory or
    /// descriptors.
    virtual bool send(const Outgoing& message) noexcept = 0;
    /// Nothing is left to do for the visit; it may be destroyed.
    virtual void on_ended(Visit& visit) noexcept = 0;
    /// kWindow bytes that all visits share.
    virtual std::span<char> window() noexcept = 0;

   protected:
    ~Owner() = default;
  };
  /// All must outlive the visit.
  struct Surroundings {
    net::EventLoop& loop;
    const server::Router& router;
    Log& log;
    Owner& owner;
  };

  Visit(const Surroundings& surroundings, const http::Limits& limits)
      : surroundings_(surroundings), exchange_(limits) {}
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() override;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  /// Has the handler answer the request, and sends what becomes of it.
  void handle(Incoming& message);
  /// Has it answered with a 503, without its handler.
  void refuse(const Incoming& message);
  /// The next piece of the stream is wanted.
  void pull();
  /// Nobody waits for the reply, or for the rest of it, any more.
  void cancel() noexcept;

 private:
  /// What it waits for.
  enum class State : std::uint8_t {
    kNothing,
    kReply,      // the handler keeps it
    kCancelled,  // the handler keeps it, and nobody wants it
    kPull,       // of the stream's next piece
    kSource,     // which has nothing to give now
  };

  void on_reply_finished(server::Exchange& exchange) noexcept override;
  const net::Address& local_address() noexcept override { return server_; }
  void on_wake() noexcept override;
  void run() override;
  void on_timer() override { run(); }

  [[nodiscard]] bool read(Incoming& message);
  void send_reply(Header::Kind kind);
  void send_body(Outgoing& reply);
  void begin_stream(Outgoing& reply, std::unique_ptr<BodySource> source);
  [[nodiscard]] std::ptrdiff_t ask_source();
  void send_piece();
  void wait_for_source(std::ptrdiff_t answer) noexcept;
  [[gnu::cold]] void fail_to_send(Header::Kind kind);
  void fail(Header::Kind kind) { answer(kind, 500, "The handler failed"); }
  void answer(Header::Kind kind, int status, std::string_view reason);
  void end() noexcept;

  const Surroundings surroundings_;
  server::Exchange exchange_;
  MappedFile mapped_;
  MappedFile body_file_;
  net::Address server_;
  std::uint64_t id_ = 0;
  State state_ = State::kNothing;
  std::unique_ptr<BodySource> source_;
  std::uint64_t position_ = 0;
  bool woken_ = false;  // since the source was last asked
};

}  // namespace httpd::process
