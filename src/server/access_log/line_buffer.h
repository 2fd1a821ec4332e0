// Lines of the access log on their way to the process that writes them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <httpd/log.h>

#include "net/event_loop.h"
#include "server/statistics.h"

namespace httpd::server {

/// Collects lines and gives them on in messages of whole lines, of which a socket takes one whole or not at
/// all. Never waits: what the other side does not take stays here, up to kBound; what is more is dropped and
/// counted (Statistics::kAccessLogDrops), and the log says so once a second.
class LineBuffer final : private net::EventHandler, private net::Timer {
 public:
  static constexpr std::size_t kBound = 1024 * 1024;  // bytes that wait
  static constexpr std::size_t kMessage = 64 * 1024;  // bytes of the longest message
  static constexpr std::size_t kBatch = 16 * 1024;    // bytes that do not wait for kPatience
  static constexpr net::Duration kPatience = std::chrono::milliseconds(50);

  /// `descriptor`: a SOCK_SEQPACKET socket; like the rest it must outlive this.
  LineBuffer(net::EventLoop& loop, int descriptor, Statistics& statistics, Log& log) noexcept;
  LineBuffer(const LineBuffer&) = delete;
  LineBuffer& operator=(const LineBuffer&) = delete;
  ~LineBuffer() override;

  /// `line` ends with its '\n', has no other, and at most kMessage bytes.
  void add(std::string_view line) noexcept;
  /// Counts lines that there was no memory for.
  void drop(std::size_t lines) noexcept;
  /// The process is about to end: waits for the other side, for a second at most.
  void finish() noexcept;

 private:
  void on_events(std::uint32_t events) override;
  void on_timer() override;
  void watch() noexcept;
  void stop_watching() noexcept;
  void send_all() noexcept;
  void tell_of_drops() noexcept;

  net::EventLoop& loop_;
  const int descriptor_;
  Statistics& statistics_;
  Log& log_;
  std::string lines_;     // whole ones
  std::size_t sent_ = 0;  // of them, from the beginning
  bool blocked_ = false;  // the socket was full: an event or the timer tries again
  bool watched_ = false;  // by the loop: only while it is full
  bool armed_ = false;
  std::uint64_t untold_ = 0;  // drops that the log has not told of
  net::TimePoint told_{};
};

}  // namespace httpd::server
