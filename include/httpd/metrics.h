// What the host counts, as a monitoring system takes it: families of numbers with labels.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace httpd {

/// One series of a family: a number, or the counts of a histogram.
struct Metric {
  std::vector<std::pair<std::string, std::string>> labels{};  ///< name ([a-z_]+) and value (any UTF-8)
  double value = 0;  ///< in the family's unit; of a histogram: the sum of all observations
  std::vector<std::uint64_t> cumulative{};  ///< of a histogram: observations up to each bound, then all
};

/// What belongs together under one name, as OpenMetrics 1.0 defines it.
struct MetricFamily {
  enum class Type : std::uint8_t {
    kCounter,    ///< only grows, until the host is started again
    kGauge,      ///< also falls
    kHistogram,  ///< observations, counted by size
    kInfo        ///< says something in its labels; the value is 1
  };
  std::string
      name;  ///< [a-z_]+, with the unit at its end, and without the ending of its type ("_total", "_info")
  Type type = Type::kGauge;
  std::string unit{};            ///< "seconds", "bytes"; "" for none
  std::string help;              ///< one sentence
  std::vector<double> bounds{};  ///< of a histogram: in its unit, rising, without infinity
  std::vector<Metric> metrics{};
};

/// Where they come from. For any process of the host, at any time.
class Metrics {
 public:
  /// What is counted now. Throws std::bad_alloc.
  [[nodiscard]] virtual std::vector<MetricFamily> collect() const = 0;

 protected:
  ~Metrics() = default;
};

}  // namespace httpd
