// What happened in the last minutes, second by second.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <httpd/monitor.h>

namespace httpd::console {

/// Where a part of all observations lies.
struct Quantile {
  std::chrono::duration<double> value{0};
  bool beyond = false;  ///< it is longer than the last bound, which is the value then
};

/// The time within which the part `q` (0 to 1) of the observations stayed, as histogram_quantile of
/// Prometheus has it: inside of a length they are taken to be spread evenly. `counts` are of each length, one
/// more than `bounds`. Nothing when there was no observation.
[[nodiscard]] std::optional<Quantile> quantile(double q, std::span<const std::chrono::microseconds> bounds,
                                               std::span<const std::uint64_t> counts);

/// One line of the plots: what happened since the one before.
struct Sample {
  double time = 0;      ///< its end: seconds since 1970
  double requests = 0;  ///< a second, as all rates
  double replies_4xx = 0;
  double replies_5xx = 0;
  /// Within how many milliseconds 50, 95 and 99 % of the calls of all handlers ended; nothing when there was
  /// no call.
  std::optional<double> p50{}, p95{}, p99{};
};

/// Rates and times out of differences of totals. What a total has fallen by counts as nothing.
class History {
 public:
  /// The samples that are kept.
  static constexpr std::size_t kSize = 300;

  History() { samples_.reserve(kSize); }

  /// Adds what happened since the last call; the first one has nothing to compare with, and makes no sample.
  /// All is by the time that has really passed, of which `steady` tells; one that has not moved adds nothing.
  /// Where `wall` has been set back the samples so far go back with it, so that they stay in order. Throws
  /// std::bad_alloc; the next call makes up for it.
  void add(std::chrono::steady_clock::time_point steady, std::chrono::system_clock::time_point wall,
           std::vector<Monitor::Statistic> statistics, std::vector<Monitor::Root> roots);

  /// The oldest first. Until the next add().
  [[nodiscard]] std::span<const Sample> samples() const noexcept { return samples_; }
  /// How many there have been, also those that are no longer kept.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// How fast a statistic grew in the time of the last sample: so many a second. 0 where that is not known.
  [[nodiscard]] double statistic_rate(std::string_view name) const noexcept;
  /// The same for the replies of a root path.
  [[nodiscard]] double root_rate(std::string_view root) const noexcept;

 private:
  using Rates = std::vector<std::pair<std::string_view, double>>;

  void push(Sample sample, double stepped) noexcept;

  std::chrono::steady_clock::time_point steady_{};
  std::chrono::system_clock::time_point wall_{};
  std::vector<Monitor::Statistic> statistics_;
  std::vector<Monitor::Root> roots_;
  bool begun_ = false;
  Rates statistic_rates_;
  Rates root_rates_;
  std::vector<Sample> samples_;
  std::uint64_t count_ = 0;
};

}  // namespace httpd::console
