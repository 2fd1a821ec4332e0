// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/statistics_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <fmt/format.h>
#include <string_view>
#include <unordered_set>

namespace httpd::server {
namespace {

constexpr std::uint64_t kNanosecondsInMicrosecond = 1000;
constexpr std::string_view kUnrouted = "unrouted";

std::string name_of(std::string_view root) {
  std::string name;
  for (const char byte : root) {
    const auto character = static_cast<unsigned char>(byte);
    name += std::isalnum(character) != 0 ? static_cast<char>(std::tolower(character)) : '_';
  }
  return name;
}

std::string text_of(std::chrono::microseconds time) {
  using std::chrono::milliseconds;
  if (time < milliseconds(1)) return fmt::format("{}us", time.count());
  const auto in_milliseconds = std::chrono::duration_cast<milliseconds>(time);
  if (in_milliseconds.count() % 1000 != 0) return fmt::format("{}ms", in_milliseconds.count());
  return fmt::format("{}s", in_milliseconds.count() / 1000);
}

void list_histogram(const std::string& name, Histogram& histogram, StatisticsList& list) {
  const std::span<Counter> places(histogram.places);
  list.push_back({name + "_count", {true, places}});
  list.push_back({name + "_us", {true, std::span(&histogram.nanoseconds, 1), kNanosecondsInMicrosecond}});
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i)
    list.push_back({name + "_le_" + text_of(Histogram::kBounds[i]), {true, places.first(i + 1)}});
}

void list_requests(const std::string& root, const Route* route, RootStatistics& statistics,
                   StatisticsList& list) {
  for (std::size_t place = 0; place < RootStatistics::kMethods; ++place) {
    const bool is_other = place == RootStatistics::kOtherMethods;
    const Method method = is_other ? Method::kGet : static_cast<Method>(place);
    if (!is_other && route != nullptr && !route->methods.has(method)) continue;
    const std::string of = is_other ? std::string("other") : name_of(method_name(method));
    for (std::size_t status_class = 0; status_class < RootStatistics::kClasses; ++status_class)
      list.push_back({fmt::format("requests_{}_{}_{}xx", root, of, status_class + 2),
                      {true, std::span(&statistics.requests[place][status_class], 1)}});
  }
}

}  // namespace

std::uint64_t StatisticView::value() const noexcept {
  std::uint64_t sum = 0;
  for (const Counter& counter : counters)
    sum += incremental ? counter.since_reset() : counter.value();
  return sum / divisor;
}

std::uint64_t StatisticView::total() const noexcept {
  std::uint64_t sum = 0;
  for (const Counter& counter : counters)
    sum += counter.value();
  return sum / divisor;
}

void StatisticView::reset() const noexcept {
  if (!incremental) return;
  for (Counter& counter : counters)
    counter.reset();
}

void list_statistics(Statistics& statistics, StatisticsList& list) {
  const auto& descriptions = Statistics::descriptions();
  for (std::size_t i = 0; i < descriptions.size(); ++i)
    list.push_back(
        {std::string(descriptions[i].name),
         {descriptions[i].incremental, std::span(&statistics.counter(static_cast<Statistics::Name>(i)), 1)}});
  for (std::size_t i = 1; i < http::kRefusals; ++i) {
    const auto refusal = static_cast<http::Refusal>(i);
    list.push_back({fmt::format("refusals_{}", http::describe(refusal).name),
                    {true, std::span(&statistics.refusal(refusal), 1)}});
  }
}

std::vector<std::string> root_names(const Router& router) {
  std::unordered_set<std::string> taken{std::string(kUnrouted)};
  std::vector<std::string> names;
  for (const Route& route : router.routes()) {
    std::string name = name_of(route.root);
    while (!taken.insert(name).second)
      name += '_';
    names.push_back(std::move(name));
  }
  return names;
}

void list_root_statistics(RequestStatistics& statistics, const Router& router, bool has_queue,
                          StatisticsList& list) {
  list_requests(std::string(kUnrouted), nullptr, statistics.of(nullptr), list);
  const std::vector<std::string> names = root_names(router);
  for (const Route& route : router.routes()) {
    const std::string& name = names[route.index];
    RootStatistics& counted = statistics.of(&route);
    list_requests(name, &route, counted, list);
    list_histogram("handler_time_" + name, counted.handler_time, list);
    if (has_queue) list_histogram("queue_time_" + name, counted.queue_time, list);
  }
}

}  // namespace httpd::server
