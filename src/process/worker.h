// A handler process: takes requests from the HTTPD process, one at a time, and has handlers answer them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include <httpd/log.h>

#include "net/event_loop.h"
#include "process/meeting_point.h"
#include "process/visit.h"
#include "server/log_throttle.h"
#include "server/loop_adapter.h"
#include "server/router.h"
#include "server/settings.h"

namespace httpd::process {

/// What a handler process does, on an event loop. It goes to the meeting point again when the HTTPD process
/// has ended, and serves the next one.
class Worker final : private net::EventHandler, private net::Timer, private Visit::Owner {
 public:
  /// What it works with; all must outlive it.
  struct Surroundings {
    net::EventLoop& loop;
    const server::Settings& settings;
    const server::Router& router;
    MeetingPoint& meeting_point;
    Log& log;
  };

  /// `index`: its number among the handler processes, from 0.
  Worker(const Surroundings& surroundings, std::uint32_t index);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() override;

  /// Calls Handler::init_process() of every root, and then waits for requests. What a handler throws comes
  /// through; throws std::system_error.
  void serve();
  /// What becomes of requests that come after end().
  enum class Late : bool {
    kServed,
    kRefused  ///< with a 503, for a host in which handlers find nothing any more that would answer them
  };
  /// Is there for as long as the HTTPD process is, whose replies may need it, and then calls `done`; at once
  /// when that process is not there.
  void end(std::function<void()> done, Late late = Late::kServed);

 private:
  void on_events(std::uint32_t events) override;
  void on_timer() override;
  bool send(const Outgoing& message) noexcept override;
  void on_ended(Visit& visit) noexcept override;
  std::span<char> window() noexcept override { return *window_; }

  void arrive();
  void on_message(Incoming& message);
  void on_request(Incoming& message);
  void turn_down(std::uint64_t id) noexcept;
  void on_httpd_gone();
  [[nodiscard]] std::unique_ptr<Visit> take(Visit& visit) noexcept;
  [[nodiscard]] Visit* find(std::uint64_t id) noexcept;

  const Surroundings surroundings_;
  const std::uint32_t index_;
  server::LoopAdapter handler_loop_;
  server::ThrottledLog handler_log_;
  net::UniqueFd socket_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Visit>> visits_;
  /// Those for an HTTPD process that is gone, whose handlers still hold their replies. The next one gives the
  /// same numbers to others.
  std::vector<std::unique_ptr<Visit>> left_over_;
  std::vector<std::unique_ptr<Visit>> spare_;
  std::unique_ptr<std::array<char, kMessageSize>> buffer_;
  std::unique_ptr<std::array<char, kWindow>> window_;
  Late late_ = Late::kServed;
  bool welcome_ = false;  // the HTTPD process has picked the socket up
  std::function<void()> done_;
};

}  // namespace httpd::process
