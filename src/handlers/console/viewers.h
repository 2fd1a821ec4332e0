// The pages that are open, each with its stream of events.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <list>
#include <vector>

#include <httpd/event_stream.h>

#include "handlers/console/feed.h"

namespace httpd::console {

/// The streams that are open. One that has ended by itself takes itself off; nobody waits for anybody.
class Viewers {
 public:
  /// What may wait for a viewer who does not read: at the least all that one gets at first, with every table
  /// full (kMostRows) of the longest texts (kMostText) of bytes that are no UTF-8, each of which becomes
  /// three.
  static constexpr std::size_t kBuffer = 1024 * 1024;

  Viewers() = default;
  Viewers(const Viewers&) = delete;
  Viewers& operator=(const Viewers&) = delete;

  /// How many are there now.
  [[nodiscard]] std::size_t count() noexcept;
  /// Begins a stream with these messages and sends it all that follow. Throws std::bad_alloc: then it has
  /// ended, or the reply answers 500.
  void add(Reply reply, Loop& loop, const std::vector<Message>& first);
  /// Sends these to everybody. Who does not read, or for whom there is no memory, is left out of this and all
  /// that follows: his stream ends, so that his browser comes again and gets everything. Returns how many
  /// these were.
  std::size_t send(const std::vector<Message>& messages) noexcept;
  /// Ends all streams in order.
  void close() noexcept { streams_.clear(); }

 private:
  std::list<EventStream> streams_;  // a list: each stays where it is, and finds itself when it ends
};

/// Begins a stream with these messages, and ends it behind them.
void send_once(Reply reply, Loop& loop, const std::vector<Message>& messages);

}  // namespace httpd::console
