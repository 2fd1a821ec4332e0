// Tests of the two text formats. SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/prometheus/exposition.h"

#include <gtest/gtest.h>

namespace httpd::prometheus {
namespace {

using Type = MetricFamily::Type;

const std::vector<MetricFamily>& examples() {
  static const std::vector<MetricFamily> kExamples{
      {"a_requests", Type::kCounter, "", "Requests \\ of\n\"all\".", {}, {{{{"root", "a\"b\\c\nd"}}, 3}}},
      {"a_memory_bytes", Type::kGauge, "bytes", "Memory.", {}, {{{}, 12345678901234567.0}}},
      {"a_empty", Type::kGauge, "", "Not there.", {}, {}},
      {"a_build", Type::kInfo, "", "Version.", {}, {{{{"version", "1"}}, 1}}},
      {"a_time_seconds",
       Type::kHistogram,
       "seconds",
       "Time.",
       {0.0001, 0.25, 1, 10},
       {{{{"root", "mi"}}, 1.5, {0, 1, 1, 2, 3}}}},
  };
  return kExamples;
}

TEST(Exposition, TextFormat) {
  EXPECT_EQ(expose(examples(), Format::kText),
            "# HELP a_requests_total Requests \\\\ of\\n\"all\".\n"
            "# TYPE a_requests_total counter\n"
            "a_requests_total{root=\"a\\\"b\\\\c\\nd\"} 3\n"
            "# HELP a_memory_bytes Memory.\n"
            "# TYPE a_memory_bytes gauge\n"
            "a_memory_bytes 12345678901234568\n"
            "# HELP a_build_info Version.\n"
            "# TYPE a_build_info gauge\n"
            "a_build_info{version=\"1\"} 1\n"
            "# HELP a_time_seconds Time.\n"
            "# TYPE a_time_seconds histogram\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"0.0001\"} 0\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"0.25\"} 1\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"1.0\"} 1\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"10.0\"} 2\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"+Inf\"} 3\n"
            "a_time_seconds_sum{root=\"mi\"} 1.5\n"
            "a_time_seconds_count{root=\"mi\"} 3\n");
}

TEST(Exposition, OpenMetrics) {
  EXPECT_EQ(expose(examples(), Format::kOpenMetrics),
            "# HELP a_requests Requests \\\\ of\\n\\\"all\\\".\n"
            "# TYPE a_requests counter\n"
            "a_requests_total{root=\"a\\\"b\\\\c\\nd\"} 3\n"
            "# HELP a_memory_bytes Memory.\n"
            "# TYPE a_memory_bytes gauge\n"
            "# UNIT a_memory_bytes bytes\n"
            "a_memory_bytes 12345678901234568\n"
            "# HELP a_build Version.\n"
            "# TYPE a_build info\n"
            "a_build_info{version=\"1\"} 1\n"
            "# HELP a_time_seconds Time.\n"
            "# TYPE a_time_seconds histogram\n"
            "# UNIT a_time_seconds seconds\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"0.0001\"} 0\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"0.25\"} 1\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"1.0\"} 1\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"10.0\"} 2\n"
            "a_time_seconds_bucket{root=\"mi\",le=\"+Inf\"} 3\n"
            "a_time_seconds_sum{root=\"mi\"} 1.5\n"
            "a_time_seconds_count{root=\"mi\"} 3\n"
            "# EOF\n");
}

TEST(Exposition, NothingIsStillWellFormed) {
  EXPECT_EQ(expose({}, Format::kText), "");
  EXPECT_EQ(expose({}, Format::kOpenMetrics), "# EOF\n");
}

TEST(Exposition, MediaTypes) {
  EXPECT_EQ(media_type(Format::kText), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(media_type(Format::kOpenMetrics), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace httpd::prometheus
