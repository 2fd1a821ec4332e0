// Tests of the statistics as metrics. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/metrics.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "fixture.h"

namespace httpd::server {
namespace {

using Type = MetricFamily::Type;

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest() {
    router.add("test", "mi", std::make_unique<FunctionHandler>(MethodSet{Method::kPost}, nullptr));
    requests.emplace(1);
  }
  std::vector<MetricFamily> families(bool has_queue = true) {
    return metric_families(statistics, *requests, router, has_queue);
  }
  /// The value of the series of `name` that has this label, or has none; -1 where there is none.
  double value(const std::string& name, const std::string& label = "") {
    for (const MetricFamily& family : families()) {
      if (family.name != name) continue;
      for (const Metric& metric : family.metrics)
        if (label.empty() ||
            std::ranges::any_of(metric.labels, [&](const auto& pair) { return pair.second == label; }))
          return metric.value;
    }
    return -1;
  }

  Statistics statistics;
  Router router;
  std::optional<RequestStatistics> requests;
};

TEST_F(MetricsTest, FamiliesAreAsMonitoringSystemsWantThem) {
  std::set<std::string> names;
  for (const MetricFamily& family : families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name << " stands twice";
    EXPECT_TRUE(family.name.starts_with("httpd_")) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_FALSE(family.name.ends_with("_total")) << family.name;
    if (!family.unit.empty()) EXPECT_TRUE(family.name.ends_with("_" + family.unit)) << family.name;
    EXPECT_EQ(family.bounds.empty(), family.type != Type::kHistogram) << family.name;
    EXPECT_TRUE(std::ranges::is_sorted(family.bounds)) << family.name;
  }
}

/// Whatever is counted is there: changing it changes something.
TEST_F(MetricsTest, EveryStatisticIsAmongThem) {
  // Sums of others, or the same as one of them.
  const std::set<Statistics::Name> elsewhere{
      Statistics::kRequests,       Statistics::kReplies2xx,         Statistics::kReplies3xx,
      Statistics::kReplies4xx,     Statistics::kReplies5xx,         Statistics::kTimeouts,
      Statistics::kTlsHandshakes,  Statistics::kConnectionRefusals, Statistics::kRateRefusals,
      Statistics::kAccessRefusals, Statistics::kQueueRefusals,      Statistics::kHandlerTimeouts};
  const auto sum = [this] {
    double all = 0;
    for (const MetricFamily& family : families())
      for (const Metric& metric : family.metrics)
        all += metric.value;
    return all;
  };
  for (std::size_t i = 0; i < Statistics::kCounters; ++i) {
    const auto name = static_cast<Statistics::Name>(i);
    const double before = sum();
    statistics.add(name);
    EXPECT_EQ(sum() - before, elsewhere.contains(name) ? 0 : 1) << Statistics::descriptions()[i].name;
    if (const auto& description = Statistics::descriptions()[i]; !elsewhere.contains(name))
      for (const MetricFamily& family : families())
        if (family.metrics.size() == 1 && family.metrics[0].value == 1 && family.metrics[0].labels.empty())
          EXPECT_EQ(family.type == Type::kCounter, description.incremental) << family.name;
    statistics.subtract(name);
  }
}

TEST_F(MetricsTest, RefusalsTellTheParameter) {
  statistics.count_refusal(http::Refusal::kTooManyConnections);
  EXPECT_EQ(value("httpd_refusals", "too_many_connections"), 1);
  EXPECT_EQ(value("httpd_refusals", "max_connections"), 1);
  EXPECT_EQ(value("httpd_refusals", "malformed_request_line"), 0) << "there from the start";
  EXPECT_EQ(value("httpd_refusals", "none"), -1);
}

TEST_F(MetricsTest, RequestsByRoot) {
  EXPECT_EQ(value("httpd_requests", "mi"), -1) << "no series before there is something to tell";
  requests->count(router.find("/mi"), Method::kPost, 200);
  requests->count(nullptr, Method::kGet, 404);
  EXPECT_EQ(value("httpd_requests", "mi"), 1);
  EXPECT_EQ(value("httpd_requests", "POST"), 1);
  EXPECT_EQ(value("httpd_requests", "4xx"), 1);
}

TEST_F(MetricsTest, HistogramsAreCumulativeAndInSeconds) {
  Histogram& times = requests->of(router.find("/mi")).handler_time;
  times.add(std::chrono::milliseconds(2));
  times.add(std::chrono::seconds(90));
  const auto all = families();
  const auto family = std::ranges::find(all, "httpd_handler_time_seconds", &MetricFamily::name);
  ASSERT_NE(family, all.end());
  EXPECT_EQ(family->bounds.front(), 0.0001);
  EXPECT_EQ(family->bounds.back(), 60);
  const Metric& metric = family->metrics.at(0);
  EXPECT_DOUBLE_EQ(metric.value, 90.002);
  ASSERT_EQ(metric.cumulative.size(), family->bounds.size() + 1);
  EXPECT_TRUE(std::ranges::is_sorted(metric.cumulative));
  EXPECT_EQ(metric.cumulative.front(), 0U);
  EXPECT_EQ(metric.cumulative[metric.cumulative.size() - 2], 1U);
  EXPECT_EQ(metric.cumulative.back(), 2U);
}

TEST_F(MetricsTest, WithoutAQueueThereAreNoTimesOfOne) {
  const auto has_queue_times = [](const std::vector<MetricFamily>& all) {
    return std::ranges::find(all, "httpd_queue_time_seconds", &MetricFamily::name) != all.end();
  };
  EXPECT_TRUE(has_queue_times(families(true)));
  EXPECT_FALSE(has_queue_times(families(false)));
}

TEST_F(MetricsTest, AResetChangesNothing) {
  statistics.add(Statistics::kAcceptedConnections, 7);
  statistics.counter(Statistics::kAcceptedConnections).reset();
  EXPECT_EQ(value("httpd_accepted_connections"), 7);
}

}  // namespace
}  // namespace httpd::server
