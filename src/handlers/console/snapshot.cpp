// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/snapshot.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "handlers/console/text.h"

namespace httpd::console {
namespace {

using State = Cell::State;

constexpr std::size_t kMostClients = 10;
/// Days before the end of a certificate.
constexpr std::int64_t kWarningDays = 30;
constexpr std::int64_t kBadDays = 7;

std::string process_text(pid_t process) {
  return process > 0 ? std::to_string(process) : std::string();
}

std::uint64_t sum(const auto& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}

std::int64_t days_between(std::time_t from, std::time_t to) noexcept {
  constexpr std::int64_t kDay = 24 * 60 * 60;
  const std::int64_t seconds = to - from;
  // Rounded down, also below 0: what has ended has not 0 days left.
  return seconds / kDay - (seconds % kDay < 0 ? 1 : 0);
}

Row root_row(const Monitor::Root& root, const History& history) {
  const Monitor::Times& times = root.handler_time;
  const std::uint64_t calls = sum(times.counts);
  std::string mean;
  if (calls > 0) mean = duration_text(std::chrono::duration<double>(times.sum) / static_cast<double>(calls));
  std::string most;
  if (const auto found = quantile(0.95, times.bounds, times.counts))
    most = (found->beyond ? "> " : "") + duration_text(found->value);
  return {{std::string(root.root)},
          {std::string(root.module)},
          {std::to_string(sum(root.replies))},
          {rate_text(history.root_rate(root.root))},
          {std::to_string(root.replies[2])},
          {std::to_string(root.replies[3])},
          {std::to_string(calls)},
          {std::move(mean)},
          {std::move(most)}};
}

Row request_row(Monitor::Request& request) {
  return {{std::move(request.root)},
          {std::move(request.line)},
          {std::move(request.client)},
          {std::string(request.state), request.state == "overdue" ? State::kBad : State::kNone},
          {age_text(request.age)},
          {process_text(request.process)}};
}

Row worker_row(Monitor::Worker& worker) {
  const bool free = worker.request.empty();
  return {{std::to_string(worker.number)},
          {process_text(worker.process)},
          {free ? "free" : std::move(worker.request)},
          {free ? "" : age_text(worker.age)}};
}

Row client_row(Monitor::Client& client) {
  return {{std::move(client.address)}, {std::to_string(client.connections)}};
}

Row certificate_row(Monitor::Certificate& certificate, std::time_t now) {
  const std::int64_t days = days_between(now, certificate.not_after);
  return {{std::move(certificate.names)},
          {std::move(certificate.subject)},
          {std::move(certificate.file)},
          {utc_text(certificate.not_after)},
          {std::to_string(days), days < kBadDays       ? State::kBad
                                 : days < kWarningDays ? State::kWarning
                                                       : State::kNone}};
}

Row refusal_row(Monitor::Refusal& refusal) {
  return {{utc_text(std::chrono::system_clock::to_time_t(refusal.time))},
          {std::move(refusal.client)},
          {std::to_string(refusal.status)},
          {std::string(refusal.reason)},
          {std::string(refusal.statistic)},
          {std::move(refusal.request)},
          {std::string(refusal.parameter)}};
}

/// A row for each element, as many as a table may have.
template <typename Element, typename MakeRow>
Table make_table(std::size_t columns, std::vector<Element> elements, MakeRow make_row) {
  Table table;
  const std::size_t shown = elements.size() <= kMostRows ? elements.size() : kMostRows - 1;
  table.reserve(kMostRows);
  for (std::size_t i = 0; i < shown; ++i) {
    Row row = make_row(elements[i]);
    for (Cell& cell : row)
      cell.text = clipped(std::move(cell.text), kMostText);
    table.push_back(std::move(row));
  }
  if (shown < elements.size()) {
    Row& rest = table.emplace_back(columns);
    rest.front().text = "and " + std::to_string(elements.size() - shown) + " more";
  }
  return table;
}

}  // namespace

std::string_view state_name(Cell::State state) noexcept {
  switch (state) {
    case State::kWarning:
      return "warning";
    case State::kBad:
      return "bad";
    case State::kNone:
      break;
  }
  return {};
}

Numbers make_numbers(const std::vector<Monitor::Statistic>& statistics, const History& history,
                     std::chrono::system_clock::time_point now) {
  Numbers numbers;
  numbers.emplace("time", utc_text(std::chrono::system_clock::to_time_t(now)));
  for (const Monitor::Statistic& statistic : statistics) {
    const std::string name(statistic.name);
    numbers.emplace(name, std::to_string(statistic.value));
    // What also falls has no rate.
    if (statistic.incremental) numbers.emplace(name + "/s", rate_text(history.statistic_rate(name)));
  }
  return numbers;
}

Snapshot make_snapshot(const Monitor& monitor, const History& history,
                       std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  Snapshot snapshot;
  snapshot.numbers = make_numbers(monitor.statistics(), history, now);
  const auto fill = [&snapshot](std::size_t kind, auto elements, auto make_row) {
    snapshot.tables[kind] = make_table(kTableKinds[kind].columns, std::move(elements), make_row);
  };
  fill(kRoots, monitor.roots(), [&history](const Monitor::Root& root) { return root_row(root, history); });
  fill(kRequests, monitor.requests(), request_row);
  fill(kWorkers, monitor.workers(), worker_row);
  fill(kClients, monitor.clients(kMostClients), client_row);
  fill(kCertificates, monitor.certificates(),
       [seconds](Monitor::Certificate& certificate) { return certificate_row(certificate, seconds); });
  fill(kRefusals, monitor.refusals(), refusal_row);
  return snapshot;
}

}  // namespace httpd::console
