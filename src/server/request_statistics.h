// Requests by root: how many of each method and kind of answer, and how long they took.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <httpd/method.h>

#include "net/event_loop.h"
#include "server/counter.h"

namespace httpd::server {

struct Route;

/// Counts times by how long they are.
class Histogram {
 public:
  /// The longest time that each place counts; one more place is for what is longer.
  static constexpr std::array<std::chrono::microseconds, 16> kBounds{
      {std::chrono::microseconds(100), std::chrono::microseconds(500), std::chrono::milliseconds(1),
       std::chrono::milliseconds(5), std::chrono::milliseconds(10), std::chrono::milliseconds(25),
       std::chrono::milliseconds(50), std::chrono::milliseconds(100), std::chrono::milliseconds(250),
       std::chrono::milliseconds(500), std::chrono::seconds(1), std::chrono::milliseconds(2500),
       std::chrono::seconds(5), std::chrono::seconds(10), std::chrono::seconds(30),
       std::chrono::seconds(60)}};

  void add(net::Duration time) noexcept {
    std::size_t place = 0;
    while (place < kBounds.size() && time > kBounds[place])
      ++place;
    places[place].add();
    nanoseconds.add(static_cast<std::uint64_t>(time.count()));
  }

  std::array<Counter, kBounds.size() + 1> places;  ///< not cumulative
  Counter nanoseconds;                             ///< of all of them together
};

/// What is counted of one root.
struct RootStatistics {
  /// A place for each Method, and one for what is no method of this root, be it known or not.
  static constexpr std::size_t kMethods = 10;
  static constexpr std::size_t kOtherMethods = 9;
  static constexpr std::size_t kClasses = 4;  ///< 2xx to 5xx

  std::array<std::array<Counter, kClasses>, kMethods> requests;
  Histogram handler_time;  ///< from the handler's call to its reply
  Histogram queue_time;    ///< waiting for a handler process
};

/// One RootStatistics for each root, and one for requests that no root is found for, in memory that is shared
/// by all processes forked after its construction. Written by the HTTPD process alone.
class RequestStatistics {
 public:
  /// For roots with an index below `roots`. Throws std::system_error.
  explicit RequestStatistics(std::size_t roots);
  ~RequestStatistics();
  RequestStatistics(const RequestStatistics&) = delete;
  RequestStatistics& operator=(const RequestStatistics&) = delete;

  /// Null stands for those without a root.
  [[nodiscard]] RootStatistics& of(const Route* route) noexcept;
  [[nodiscard]] const RootStatistics& of(const Route* route) const noexcept {
    return const_cast<RequestStatistics*>(this)->of(route);
  }
  /// An answered request. `method` is nothing where it could not be read.
  void count(const Route* route, std::optional<Method> method, int status) noexcept;

 private:
  std::size_t roots_;
  RootStatistics* memory_;  // of roots_ + 1; pages of roots that nobody asks for do not exist
};

}  // namespace httpd::server
