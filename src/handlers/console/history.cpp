// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/history.h"

#include <algorithm>
#include <numeric>

namespace httpd::console {
namespace {

using Seconds = std::chrono::duration<double>;

/// A wall clock that goes back by less than this was only corrected: samples stay in order without us.
constexpr double kStep = 0.5;

std::uint64_t growth(std::uint64_t before, std::uint64_t now) noexcept {
  return now > before ? now - before : 0;
}

std::uint64_t replies(const Monitor::Root& root) noexcept {
  return std::accumulate(root.replies.begin(), root.replies.end(), std::uint64_t{0});
}

double rate_in(const std::vector<std::pair<std::string_view, double>>& rates,
               std::string_view name) noexcept {
  const auto found = std::ranges::find(rates, name, [](const auto& rate) { return rate.first; });
  return found == rates.end() ? 0 : found->second;
}

/// The element of `before` with the same name as `now`, which was element `index` there as a rule.
template <typename Element, typename Name>
const Element* counterpart(const std::vector<Element>& before, const Element& now, std::size_t index,
                           Name name) {
  if (index < before.size() && before[index].*name == now.*name) return &before[index];
  const auto found = std::ranges::find(before, now.*name, name);
  return found == before.end() ? nullptr : &*found;
}

/// How long the calls of all roots took since `before`. Roots that count other lengths than the first one
/// does are left out: there is no sum of these.
Monitor::Times new_times(const std::vector<Monitor::Root>& before, const std::vector<Monitor::Root>& now) {
  Monitor::Times sum;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const Monitor::Times& times = now[i].handler_time;
    if (sum.counts.empty()) {
      sum.bounds = times.bounds;
      sum.counts.resize(times.counts.size());
    }
    if (!std::ranges::equal(times.bounds, sum.bounds) || times.counts.size() != sum.counts.size()) continue;
    const Monitor::Root* const old = counterpart(before, now[i], i, &Monitor::Root::root);
    for (std::size_t k = 0; k < sum.counts.size(); ++k) {
      const bool known = old != nullptr && k < old->handler_time.counts.size();
      sum.counts[k] += growth(known ? old->handler_time.counts[k] : 0, times.counts[k]);
    }
  }
  return sum;
}

std::optional<double> milliseconds(double q, const Monitor::Times& times) {
  const auto found = quantile(q, times.bounds, times.counts);
  if (!found) return std::nullopt;
  return found->value.count() * 1000;
}

}  // namespace

std::optional<Quantile> quantile(double q, std::span<const std::chrono::microseconds> bounds,
                                 std::span<const std::uint64_t> counts) {
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  if (all == 0 || bounds.empty() || counts.size() != bounds.size() + 1) return std::nullopt;
  const double rank = q * all;
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      const Seconds low = i == 0 ? Seconds(0) : Seconds(bounds[i - 1]);
      return Quantile{low + (Seconds(bounds[i]) - low) * ((rank - below) / here), false};
    }
    below += here;
  }
  return Quantile{bounds.back(), true};
}

void History::add(std::chrono::steady_clock::time_point steady, std::chrono::system_clock::time_point wall,
                  std::vector<Monitor::Statistic> statistics, std::vector<Monitor::Root> roots) {
  const double span = Seconds(steady - steady_).count();
  if (begun_ && span <= 0) return;
  if (begun_) {
    Rates statistic_rates;
    statistic_rates.reserve(statistics.size());
    for (std::size_t i = 0; i < statistics.size(); ++i) {
      const Monitor::Statistic& now = statistics[i];
      const Monitor::Statistic* const old = counterpart(statistics_, now, i, &Monitor::Statistic::name);
      statistic_rates.emplace_back(
          now.name, static_cast<double>(growth(old != nullptr ? old->total : 0, now.total)) / span);
    }
    Rates root_rates;
    root_rates.reserve(roots.size());
    for (std::size_t i = 0; i < roots.size(); ++i) {
      const Monitor::Root* const old = counterpart(roots_, roots[i], i, &Monitor::Root::root);
      root_rates.emplace_back(
          roots[i].root,
          static_cast<double>(growth(old != nullptr ? replies(*old) : 0, replies(roots[i]))) / span);
    }
    const Monitor::Times times = new_times(roots_, roots);

    // From here on nothing throws: a sample is there as a whole, or the next one has its share.
    statistic_rates_ = std::move(statistic_rates);
    root_rates_ = std::move(root_rates);
    push({.time = Seconds(wall.time_since_epoch()).count(),
          .requests = statistic_rate("httpd:requests"),
          .replies_4xx = statistic_rate("httpd:replies_4xx"),
          .replies_5xx = statistic_rate("httpd:replies_5xx"),
          .p50 = milliseconds(0.50, times),
          .p95 = milliseconds(0.95, times),
          .p99 = milliseconds(0.99, times)},
         Seconds(wall - wall_).count() - span);
  }
  steady_ = steady;
  wall_ = wall;
  statistics_ = std::move(statistics);
  roots_ = std::move(roots);
  begun_ = true;
}

double History::statistic_rate(std::string_view name) const noexcept {
  return rate_in(statistic_rates_, name);
}

double History::root_rate(std::string_view root) const noexcept {
  return rate_in(root_rates_, root);
}

void History::push(Sample sample, double stepped) noexcept {
  if (stepped < -kStep)
    for (Sample& old : samples_)
      old.time += stepped;
  if (samples_.size() == kSize) samples_.erase(samples_.begin());
  samples_.push_back(sample);
  ++count_;
}

}  // namespace httpd::console
