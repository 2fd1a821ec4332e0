// What open pages are told: everything at first, and then what has changed.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/console/history.h"
#include "handlers/console/snapshot.h"

namespace httpd::console {

/// An event, with JSON as its data.
struct Message {
  std::string_view type;
  std::string data;
};

/// Makes the messages for all viewers, who are all told the same from when they come:
///   hello    {"build": "..."}
///   samples  [[time, requests/s, 4xx/s, 5xx/s, 50 %, 95 %, 99 %], ...] as Sample has them; null for no value
///   state    {"numbers": {NAME: TEXT, ...}, "tables": {NAME: [[CELL, ...], ...], ...}}; a CELL is its text,
///   or
///            {"text": TEXT, "state": STATE}
/// Where a function throws std::bad_alloc nothing has changed, and the next message makes up for it.
class Feed {
 public:
  /// `history` must outlive it.
  Feed(const History& history, std::string_view build) : history_(history), build_(build) {}

  /// What begins anew with this state, when there is nobody who knows an older one.
  void begin(Snapshot now) noexcept;
  /// What a viewer has to know who comes now: a hello, all samples, and all of the state.
  [[nodiscard]] std::vector<Message> everything() const;
  /// What those who are there already do not know yet: new samples, and what is different in the new state.
  [[nodiscard]] std::vector<Message> advance(Snapshot now);

 private:
  const History& history_;
  std::string build_;
  Snapshot told_;
  std::uint64_t samples_told_ = 0;  // of History::count()
};

}  // namespace httpd::console
