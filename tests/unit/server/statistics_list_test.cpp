// Tests of the statistics by name. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/statistics_list.h"

#include <algorithm>
#include <memory>
#include <set>

#include "fixture.h"

namespace httpd::server {
namespace {

class StatisticsListTest : public ::testing::Test {
 protected:
  void add_root(std::string_view name, MethodSet methods) {
    router.add("test", name, std::make_unique<FunctionHandler>(methods, nullptr));
  }
  void list_roots(bool has_queue = false) {
    requests.emplace(router.routes().size());
    list_root_statistics(*requests, router, has_queue, list);
  }
  const NamedStatistic* find(std::string_view name) const {
    const auto found = std::ranges::find(list, name, &NamedStatistic::name);
    return found == list.end() ? nullptr : &*found;
  }
  std::uint64_t value(std::string_view name) const {
    const NamedStatistic* const statistic = find(name);
    EXPECT_NE(statistic, nullptr) << name;
    return statistic == nullptr ? 0 : statistic->view.value();
  }

  Statistics statistics;
  Router router;
  std::optional<RequestStatistics> requests;
  StatisticsList list;
};

TEST_F(StatisticsListTest, NamesAreUniqueAndPlain) {
  add_root("mi", {Method::kPost});
  add_root("a/b", {Method::kGet});
  add_root("a-b", {Method::kGet});
  add_root("A.B", {Method::kGet});
  add_root("unrouted", {Method::kGet});
  list_statistics(statistics, list);
  list_roots(true);
  std::set<std::string_view> names;
  for (const NamedStatistic& statistic : list) {
    EXPECT_TRUE(names.insert(statistic.name).second) << statistic.name;
    EXPECT_EQ(statistic.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos)
        << statistic.name;
  }
  EXPECT_TRUE(names.contains("requests_a_b__get_2xx"));
  EXPECT_TRUE(names.contains("requests_a_b___get_2xx"));
  EXPECT_TRUE(names.contains("requests_unrouted__get_2xx"));
}

TEST_F(StatisticsListTest, RootsHaveTheNamesThatTheirStatisticsHave) {
  add_root("mi", {Method::kPost});
  add_root("a/b", {Method::kGet});
  add_root("A.B", {Method::kGet});
  add_root("unrouted", {Method::kGet});
  EXPECT_EQ(root_names(router), (std::vector<std::string>{"mi", "a_b", "a_b_", "unrouted_"}));
}

TEST_F(StatisticsListTest, ATotalIsNeverReset) {
  list_statistics(statistics, list);
  statistics.add(Statistics::kRequests, 3);
  find("requests")->view.reset();
  statistics.add(Statistics::kRequests, 2);
  EXPECT_EQ(value("requests"), 2U);
  EXPECT_EQ(find("requests")->view.total(), 5U);
}

TEST_F(StatisticsListTest, RefusalsAreCountedEachByItself) {
  list_statistics(statistics, list);
  statistics.count_refusal(http::Refusal::kQueueFull);
  statistics.count_refusal(http::Refusal::kQueueFull);
  statistics.count_refusal(http::Refusal::kUnsupportedVersion);
  EXPECT_EQ(value("refusals_queue_full"), 2U);
  EXPECT_EQ(value("refusals_unsupported_version"), 1U);
  EXPECT_EQ(value("refusals_no_such_root"), 0U);
  EXPECT_EQ(find("refusals_none"), nullptr);
}

TEST_F(StatisticsListTest, ARootHasItsMethodsAndOneForAllOthers) {
  add_root("mi", {Method::kPost});
  list_roots();
  const Route* const route = router.find("/mi");
  requests->count(route, Method::kPost, 200);
  requests->count(route, Method::kPost, 503);
  requests->count(route, Method::kOptions, 204);
  requests->count(route, Method::kGet, 405);
  requests->count(route, std::nullopt, 501);
  requests->count(nullptr, Method::kGet, 404);
  EXPECT_EQ(value("requests_mi_post_2xx"), 1U);
  EXPECT_EQ(value("requests_mi_post_5xx"), 1U);
  EXPECT_EQ(value("requests_mi_options_2xx"), 1U);
  EXPECT_EQ(value("requests_mi_other_4xx"), 1U);
  EXPECT_EQ(value("requests_mi_other_5xx"), 1U);
  EXPECT_EQ(value("requests_unrouted_get_4xx"), 1U);
  EXPECT_EQ(find("requests_mi_get_4xx"), nullptr) << "not of this root";
}

TEST_F(StatisticsListTest, TimesAreCumulative) {
  add_root("mi", {Method::kPost});
  list_roots();
  Histogram& times = requests->of(router.find("/mi")).handler_time;
  times.add(std::chrono::microseconds(100));
  times.add(std::chrono::nanoseconds(100'001));
  times.add(std::chrono::milliseconds(2500));
  times.add(std::chrono::minutes(5));
  EXPECT_EQ(value("handler_time_mi_count"), 4U);
  EXPECT_EQ(value("handler_time_mi_us"), 100U + 100U + 2'500'000U + 300'000'000U);
  EXPECT_EQ(value("handler_time_mi_le_100us"), 1U);
  EXPECT_EQ(value("handler_time_mi_le_500us"), 2U);
  EXPECT_EQ(value("handler_time_mi_le_1s"), 2U);
  EXPECT_EQ(value("handler_time_mi_le_2500ms"), 3U);
  EXPECT_EQ(value("handler_time_mi_le_60s"), 3U);
  EXPECT_EQ(find("queue_time_mi_count"), nullptr) << "nothing waits here";
}

TEST_F(StatisticsListTest, AResetIsForWhatGrowsAndTouchesNoNumber) {
  list_statistics(statistics, list);
  statistics.add(Statistics::kRequests, 5);
  statistics.add(Statistics::kOpenConnections, 3);
  for (const NamedStatistic& statistic : list)
    statistic.view.reset();
  EXPECT_EQ(value("requests"), 0U);
  EXPECT_EQ(value("open_connections"), 3U);
  EXPECT_EQ(statistics.value(Statistics::kRequests), 5U) << "what monitoring systems see never falls";
  statistics.add(Statistics::kRequests, 2);
  EXPECT_EQ(value("requests"), 2U);
}

}  // namespace
}  // namespace httpd::server
