// Which requests are with handlers, where, and which wait: what every process of a host can read.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "net/timer_wheel.h"
#include "server/exchange.h"

namespace httpd::server {

/// A table in memory that is shared by all processes forked after its construction. The HTTPD process alone
/// writes it; any process may read it at any moment, also while the HTTPD process is stuck in a handler.
class RequestBoard {
 public:
  static constexpr std::size_t kSlots = 512;  // what is beyond them is not shown
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  enum class State : std::uint32_t {
    kFree,
    kQueued,     ///< waits for a handler process
    kRunning,    ///< in its handler
    kKept,       ///< the handler returned, and answers later
    kStreaming,  ///< a handler process gives the body piece by piece
    kOverdue,    ///< its client has its answer already, or is gone; the handler has not returned
  };
  [[nodiscard]] static std::string_view name(State state) noexcept;

  struct Entry {
    State state = State::kFree;
    pid_t process = 0;  ///< where the handler runs; 0 while it waits
    std::string root;
    std::string request;  ///< the request line, escaped; its end may be cut off
    std::string client;
    std::chrono::milliseconds since{0};  ///< how long it has been in this state
  };

  /// Throws std::system_error.
  RequestBoard();
  ~RequestBoard();
  RequestBoard(const RequestBoard&) = delete;
  RequestBoard& operator=(const RequestBoard&) = delete;

  /// Makes the calling process the one that writes. Of what the one before it left, requests stay whose
  /// handlers have not returned in processes that still live: as overdue, since their clients are gone.
  void take_over();
  /// The process that has done so.
  [[nodiscard]] pid_t writer() const noexcept { return writer_; }
  /// This process runs no handler for the HTTPD process before this one any more.
  void forget_returned(pid_t process) noexcept;
  /// Shows a request. The result is its place, kNone when there is none left.
  std::size_t open(const Exchange& request, State state, pid_t process, net::TimePoint now) noexcept;
  /// Each does nothing for kNone.
  void change(std::size_t slot, State state, pid_t process, net::TimePoint now) noexcept;
  void close(std::size_t slot) noexcept;

  /// What is shown now, the oldest request first.
  [[nodiscard]] std::vector<Entry> entries() const;

 private:
  struct Slot;
  Slot* slots_ = nullptr;
  std::vector<std::uint32_t> free_;  // of the process that writes
  std::vector<std::uint32_t> inherited_;
  std::uint64_t order_ = 0;
  pid_t writer_ = 0;
};

}  // namespace httpd::server
