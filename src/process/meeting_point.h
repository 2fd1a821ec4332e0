// Where handler processes and the HTTPD process find each other, however often either is started again.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <sys/types.h>

#include "net/event_loop.h"
#include "net/unique_fd.h"

namespace httpd::process {

/// A handler process that has come to the meeting point.
struct Arrival {
  std::uint32_t index = 0;  ///< its number among the handler processes, from 0
  pid_t process = 0;
  net::UniqueFd socket;  ///< what leads to it; it ends when that process does
};

/// A pair of sockets made before the processes are forked. A handler process leaves one end of a pair of its
/// own there, and keeps the other; the HTTPD process picks it up, at once or when it is there again.
class MeetingPoint final : private net::EventHandler {
 public:
  /// Throws std::system_error.
  MeetingPoint();
  MeetingPoint(const MeetingPoint&) = delete;
  MeetingPoint& operator=(const MeetingPoint&) = delete;
  ~MeetingPoint();

  /// In a handler process: the socket that requests will come from. Throws std::system_error.
  [[nodiscard]] net::UniqueFd arrive(std::uint32_t index);

  /// In the HTTPD process: calls `meet` for all that have come and will come. `loop` must outlive this, or
  /// leave() be called before its end. Throws std::system_error.
  void attend(net::EventLoop& loop, std::function<void(Arrival arrival)> meet);
  void leave() noexcept;
  /// While attending: takes the descriptors that the next arrival will need, if it has none any more.
  void keep_reserve() noexcept;
  /// In a process that does neither.
  void close() noexcept;

 private:
  void on_events(std::uint32_t events) override;
  [[nodiscard]] std::optional<Arrival> take_arrival() noexcept;

  net::UniqueFd arriving_;
  net::UniqueFd attending_;
  /// For a process that comes when connections have taken all other descriptors.
  std::array<net::UniqueFd, 2> reserve_;
  net::EventLoop* loop_ = nullptr;
  std::function<void(Arrival)> meet_;
};

}  // namespace httpd::process
