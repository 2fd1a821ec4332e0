// Everything that the page shows but for its plots, as text.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/monitor.h>

#include "handlers/console/history.h"

namespace httpd::console {

struct Cell {
  enum class State : std::uint8_t { kNone, kWarning, kBad };
  std::string text{};
  State state = State::kNone;  ///< how the page is to dress it
  bool operator==(const Cell&) const = default;
};

/// What the page's styles call a state; "" for none.
[[nodiscard]] std::string_view state_name(Cell::State state) noexcept;

using Row = std::vector<Cell>;
using Table = std::vector<Row>;  ///< all rows have as many cells as the table has columns

struct TableKind {
  std::string_view name;
  std::size_t columns;
};
/// The tables, and their places in Snapshot::tables.
enum : std::size_t { kRoots, kRequests, kWorkers, kClients, kCertificates, kRefusals, kTables };
inline constexpr std::array<TableKind, kTables> kTableKinds{
    {{"roots", 9}, {"requests", 6}, {"workers", 4}, {"clients", 2}, {"certificates", 5}, {"refusals", 7}}};
/// The rows that a table has at most; where there would be more, the last one says how many.
inline constexpr std::size_t kMostRows = 100;
/// The bytes that a cell's text has at most; what is longer is cut, and ends in "...".
inline constexpr std::size_t kMostText = 300;

/// Numbers by their names. Those of statistics are called as in get_statistics; how fast one grows a second
/// is NAME/s, where it only grows; "time" is when they were taken, UTC.
using Numbers = std::map<std::string, std::string, std::less<>>;

struct Snapshot {
  Numbers numbers;
  std::array<Table, kTables> tables;
};

[[nodiscard]] Numbers make_numbers(const std::vector<Monitor::Statistic>& statistics, const History& history,
                                   std::chrono::system_clock::time_point now);

/// Throws std::bad_alloc, as everything here.
[[nodiscard]] Snapshot make_snapshot(const Monitor& monitor, const History& history,
                                     std::chrono::system_clock::time_point now);

}  // namespace httpd::console
