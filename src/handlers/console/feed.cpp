// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/feed.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

namespace httpd::console {
namespace {

using Json = nlohmann::json;

/// Texts may hold anything: what is no UTF-8 becomes U+FFFD.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double rounded(double value, double steps) noexcept {
  return std::round(value * steps) / steps;
}

std::string samples_json(std::span<const Sample> samples) {
  constexpr double kTenths = 10;
  constexpr double kThousandths = 1000;
  const auto time = [](const std::optional<double>& value) {
    return value ? Json(rounded(*value, kThousandths)) : Json();
  };
  Json all = Json::array();
  for (const Sample& sample : samples) {
    all.push_back(Json::array({rounded(sample.time, kTenths), rounded(sample.requests, kTenths),
                               rounded(sample.replies_4xx, kTenths), rounded(sample.replies_5xx, kTenths),
                               time(sample.p50), time(sample.p95), time(sample.p99)}));
  }
  return text_of(all);
}

Json cell_json(const Cell& cell) {
  if (cell.state == Cell::State::kNone) return cell.text;
  return Json::object({{"text", cell.text}, {"state", state_name(cell.state)}});
}

Json table_json(const Table& table) {
  Json rows = Json::array();
  for (const Row& row : table) {
    Json cells = Json::array();
    for (const Cell& cell : row)
      cells.push_back(cell_json(cell));
    rows.push_back(std::move(cells));
  }
  return rows;
}

/// What of `now` is different in `before`, or everything without one; null when that is nothing.
Json changes(const Snapshot* before, const Snapshot& now) {
  Json state;
  for (const auto& [name, text] : now.numbers) {
    if (before != nullptr) {
      const auto old = before->numbers.find(name);
      if (old != before->numbers.end() && old->second == text) continue;
    }
    state["numbers"][name] = text;
  }
  for (std::size_t kind = 0; kind < kTables; ++kind)
    if (before == nullptr || before->tables[kind] != now.tables[kind])
      state["tables"][std::string(kTableKinds[kind].name)] = table_json(now.tables[kind]);
  return state;
}

}  // namespace

void Feed::begin(Snapshot now) noexcept {
  told_ = std::move(now);
  samples_told_ = history_.count();
}

std::vector<Message> Feed::everything() const {
  std::vector<Message> messages;
  messages.push_back({"hello", text_of(Json::object({{"build", build_}}))});
  messages.push_back({"samples", samples_json(history_.samples())});
  messages.push_back({"state", text_of(changes(nullptr, told_))});
  return messages;
}

std::vector<Message> Feed::advance(Snapshot now) {
  std::vector<Message> messages;
  const std::span<const Sample> kept = history_.samples();
  const auto fresh = std::min<std::uint64_t>(history_.count() - samples_told_, kept.size());
  if (fresh > 0) messages.push_back({"samples", samples_json(kept.last(static_cast<std::size_t>(fresh)))});
  if (const Json state = changes(&told_, now); !state.is_null())
    messages.push_back({"state", text_of(state)});
  begin(std::move(now));
  return messages;
}

}  // namespace httpd::console
