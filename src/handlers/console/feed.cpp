// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/feed.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "handlers/console/text.h"

namespace httpd::console {
namespace {

constexpr std::string_view kNothing = "{}";

// Written as text, piece by piece: the destructor of nested nlohmann::json allocates, and where that fails
// nothing can be done any more.

/// Of any text: what is no UTF-8 becomes U+FFFD.
void append_string(std::string_view text, std::string& out) {
  using Json = nlohmann::json;
  out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Before each element of a list but the first one, whose list has just begun.
void separate(std::string& out) {
  if (out.back() != '[' && out.back() != '{') out += ',';
}

void append_key(std::string_view name, std::string& out) {
  separate(out);
  append_string(name, out);
  out += ':';
}

std::string hello_json(std::string_view build) {
  std::string out = "{";
  append_key("build", out);
  append_string(build, out);
  return out += '}';
}

std::string samples_json(std::span<const Sample> samples) {
  constexpr int kTenths = 1;
  constexpr int kMicroseconds = 3;
  std::string out = "[";
  for (const Sample& sample : samples) {
    separate(out);
    out += '[' + decimal(sample.time, kTenths);
    for (const double rate : {sample.requests, sample.replies_4xx, sample.replies_5xx})
      out += ',' + decimal(rate, kTenths);
    for (const std::optional<double>& time : {sample.p50, sample.p95, sample.p99})
      out += time ? ',' + decimal(*time, kMicroseconds) : ",null";
    out += ']';
  }
  return out += ']';
}

void append_cell(const Cell& cell, std::string& out) {
  separate(out);
  if (cell.state == Cell::State::kNone) return append_string(cell.text, out);
  out += '{';
  append_key("text", out);
  append_string(cell.text, out);
  append_key("state", out);
  append_string(state_name(cell.state), out);
  out += '}';
}

void append_table(const Table& table, std::string& out) {
  out += '[';
  for (const Row& row : table) {
    separate(out);
    out += '[';
    for (const Cell& cell : row)
      append_cell(cell, out);
    out += ']';
  }
  out += ']';
}

std::string numbers_json(const Snapshot* before, const Snapshot& now) {
  std::string out = "{";
  for (const auto& [name, text] : now.numbers) {
    if (before != nullptr) {
      const auto old = before->numbers.find(name);
      if (old != before->numbers.end() && old->second == text) continue;
    }
    append_key(name, out);
    append_string(text, out);
  }
  return out += '}';
}

std::string tables_json(const Snapshot* before, const Snapshot& now) {
  std::string out = "{";
  for (std::size_t kind = 0; kind < kTables; ++kind) {
    if (before != nullptr && before->tables[kind] == now.tables[kind]) continue;
    append_key(kTableKinds[kind].name, out);
    append_table(now.tables[kind], out);
  }
  return out += '}';
}

/// What of `now` is different in `before`, or everything without one; "{}" when that is nothing.
std::string state_json(const Snapshot* before, const Snapshot& now) {
  const std::string numbers = numbers_json(before, now);
  const std::string tables = tables_json(before, now);
  std::string out = "{";
  for (const auto& [name, part] : {std::pair("numbers", &numbers), std::pair("tables", &tables)}) {
    if (*part == kNothing) continue;
    append_key(name, out);
    out += *part;
  }
  return out += '}';
}

}  // namespace

void Feed::begin(Snapshot now) noexcept {
  told_ = std::move(now);
  samples_told_ = history_.count();
}

std::vector<Message> Feed::everything() const {
  std::vector<Message> messages;
  messages.push_back({"hello", hello_json(build_)});
  messages.push_back({"samples", samples_json(history_.samples())});
  messages.push_back({"state", state_json(nullptr, told_)});
  return messages;
}

std::vector<Message> Feed::advance(Snapshot now) {
  std::vector<Message> messages;
  const std::span<const Sample> kept = history_.samples();
  const auto fresh = std::min<std::uint64_t>(history_.count() - samples_told_, kept.size());
  if (fresh > 0) messages.push_back({"samples", samples_json(kept.last(static_cast<std::size_t>(fresh)))});
  if (std::string state = state_json(&told_, now); state != kNothing)
    messages.push_back({"state", std::move(state)});
  begin(std::move(now));
  return messages;
}

}  // namespace httpd::console
