// The access log as connections know it: one line for each reply, once it is out or its connection over.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "server/access_log/line_buffer.h"
#include "server/access_log/log_format.h"
#include "server/access_log/log_line.h"
#include "server/access_log/log_settings.h"

namespace httpd::server {

/// What a connection has while a request is in work or a reply on its way. Times are exact.
struct LogRecord {
  /// A reply whose head is written. Positions are counted in bytes that the connection has made since the
  /// record began.
  struct Reply {
    std::uint64_t body_begin;
    std::uint64_t end;      ///< of the reply; unknown while is_open
    std::uint64_t payload;  ///< bytes of its body
    std::size_t text;       ///< the size of its line, as far as that is known
    net::TimePoint began;
    LogOutcome::End outcome;
    bool is_open;  ///< the body is still being made
  };
  net::TimePoint began;   ///< the request in work
  net::TimePoint called;  ///< its handler, where is_called
  std::optional<std::chrono::microseconds> handler_time;
  bool is_called = false;
  bool is_answered = false;  ///< its reply is among these:
  std::vector<Reply> replies;
  std::string texts;       ///< of the lines that these replies have, one after the other
  std::uint64_t sent = 0;  ///< bytes that the connection has written since the record began
};

/// One for a server. Every member is cheap, waits for nothing, and but for begin() and open() throws nothing.
class AccessLog {
 public:
  using Record = std::unique_ptr<LogRecord>;

  /// All must outlive it. `descriptor`: as LineBuffer has it. Throws ConfigError for a bad format.
  AccessLog(net::EventLoop& loop, const AccessLogSettings& settings, int descriptor, Statistics& statistics,
            Log& log);

  /// A request has begun. Takes a record for a connection that has none. Throws std::bad_alloc.
  [[gnu::noinline]] void begin(Record& record);
  [[gnu::noinline]] static void call_handler(LogRecord& record) noexcept;
  /// Its reply is there. Does nothing where no handler was called.
  static void end_handler(LogRecord& record) noexcept;

  /// The head of the reply is made. `waiting`: bytes that are made, the head the last of them, and not
  /// written; `payload`: bytes of the body that follows, none where nobody knows yet. `facts` need no times.
  /// Throws std::bad_alloc.
  void open(LogRecord& record, LogFacts& facts, std::uint64_t waiting, std::optional<std::uint64_t> payload,
            bool keeps_connection);
  /// The reply is made. `waiting`: bytes that are not written; `payload`: bytes of its body, where open() did
  /// not know.
  static void close(LogRecord& record, std::uint64_t waiting, std::uint64_t payload) noexcept;
  /// Bytes have been written: makes the lines of what is out.
  void advance(LogRecord& record, std::uint64_t bytes) noexcept;
  /// Takes a record back that no reply and no request is in.
  void give_back(Record record) noexcept;

  /// The connection is over: makes the lines of what is not out, as cut. `payload`: what is made of the body
  /// of a reply that is not closed.
  void cut(LogRecord& record, std::uint64_t payload) noexcept;
  /// A request ends without a reply: the status in `facts` is what it would have had, or 0.
  void add_unanswered(const LogRecord* record, LogFacts& facts) noexcept;
  /// A reply without a connection; `is_out`: the client gets it.
  void add_refusal(LogFacts& facts, std::uint64_t body_bytes, bool is_out) noexcept;

  /// The process is about to end: see LineBuffer::finish().
  void finish() noexcept { buffer_.finish(); }

 private:
  void add(std::string_view begun, const LogOutcome& outcome) noexcept;
  void add_now(LogFacts& facts, const LogOutcome& outcome) noexcept;

  const LogFormat format_;
  LogClock clock_;
  LineBuffer buffer_;
  std::string line_;  // the one at hand
  std::vector<Record> spare_;
};

}  // namespace httpd::server
