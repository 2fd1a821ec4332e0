// What all connections of a server share.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <httpd/log.h>

#include "http/date.h"
#include "net/event_loop.h"
#include "net/secret_memory.h"
#include "server/access/access.h"
#include "server/access/admission.h"
#include "server/access_log/access_log.h"
#include "server/access_log/request_id.h"
#include "server/compression/compression.h"
#include "server/dispatcher.h"
#include "server/exchange.h"
#include "server/log_throttle.h"
#include "server/refusal_history.h"
#include "server/request_statistics.h"
#include "server/router.h"
#include "server/settings.h"
#include "server/statistics.h"

namespace httpd::server {

/// One for each server. The buffers are for use within one turn of a connection: what outlives the turn is
/// copied to memory of the connection's own, so that idle connections hold none.
class Context final : private Exchange::Owner {
 public:
  static constexpr std::size_t kReadBufferSize = 64 * 1024;

  Context(net::EventLoop& event_loop, const Settings& all_settings, const Router& all_routes, Log& host_log,
          Statistics& counters);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// A connection's turn. Whatever happens in it, nothing of its output is left for the next connection's.
  class Turn {
   public:
    explicit Turn(Context& context) noexcept : output_(context.output) { output_.clear(); }
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::string& output_;
  };

  /// An exchange for a new request, and its way back. One that a handler still holds stays as it is until the
  /// handler lets go of it.
  [[nodiscard]] std::unique_ptr<Exchange> take_exchange();
  void give_back(std::unique_ptr<Exchange> exchange) noexcept;

  net::EventLoop& loop;
  const Settings& settings;
  const Router& router;
  Log& log;
  Statistics& statistics;
  Admission admission;
  Access access;
  Compression compression;
  LogThrottle throttle;
  ThrottledLog handler_log;
  http::DateCache date;
  net::SecretBytes read_buffer;  ///< of kReadBufferSize: what clients send, passwords too
  /// Replies of the connection whose turn it is, until they are written. Empty between turns: see Turn.
  std::string output;
  net::TimePoint turn_began;              ///< of the connection whose turn it is
  std::size_t turn_read = 0;              ///< bytes that it has read in this turn
  RequestBoard* board = nullptr;          ///< of the requests whose handlers run here; null: nobody looks
  RefusalHistory* refusals = nullptr;     ///< null: nobody looks
  RequestStatistics* requests = nullptr;  ///< null: requests are not counted by root
  const Handler* health = nullptr;        ///< answers whatever limit is reached; null for none
  Dispatcher* dispatcher = nullptr;       ///< null: handlers run in this process
  AccessLog* access_log = nullptr;        ///< null: there is none
  RequestIds* request_ids = nullptr;      ///< null: requests have no ids; there are some with an access log
  bool ending = false;                    ///< draining comes soon; so far everything is served as ever
  bool dismissing = false;                ///< besides, replies close connections on which no request waits
  bool draining = false;                  ///< the server is shutting down: every reply closes its connection
  /// Besides, connections between requests stay for so long, since their clients may be about to send one.
  std::optional<net::Duration> leaving;
  bool refusing = false;  ///< besides, no handler is called any more

 private:
  void on_reply_finished(Exchange& exchange) noexcept override;
  const net::Address& local_address() noexcept override { return no_address_; }

  std::vector<std::unique_ptr<Exchange>> spare_;
  std::vector<std::unique_ptr<Exchange>> orphans_;
  net::Address no_address_;
};

}  // namespace httpd::server
