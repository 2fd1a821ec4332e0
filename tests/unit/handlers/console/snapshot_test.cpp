// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/snapshot.h"

#include <gmock/gmock.h>

#include "fakes.h"

namespace httpd::console {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr std::array<std::chrono::microseconds, 2> kBounds{1ms, 60s};
constexpr std::time_t kNow = 1'700'000'000;
constexpr std::int64_t kDay = 86'400;

class ConsoleSnapshot : public testing::Test {
 protected:
  Snapshot make() { return make_snapshot(monitor_, history_, std::chrono::system_clock::from_time_t(kNow)); }
  void sample(std::chrono::steady_clock::time_point at) {
    history_.add(at, std::chrono::system_clock::from_time_t(kNow), monitor_.statistics(), monitor_.roots());
  }
  /// The texts of one row, with the states behind those that have one.
  static std::vector<std::string> texts(const Row& row) {
    std::vector<std::string> all;
    for (const Cell& cell : row)
      all.push_back(cell.text + (cell.state == Cell::State::kNone ? "" : "!") +
                    std::string(state_name(cell.state)));
    return all;
  }
  std::vector<std::string> first(std::size_t kind) {
    const Snapshot snapshot = make();
    for (const Row& row : snapshot.tables[kind])
      EXPECT_EQ(row.size(), kTableKinds[kind].columns);
    return snapshot.tables[kind].empty() ? std::vector<std::string>{} : texts(snapshot.tables[kind].front());
  }
  std::string days_left(std::int64_t seconds) {
    monitor_.certificates_value = {{"file", "subject", "names", kNow + seconds}};
    return first(kCertificates).at(4);
  }

  FakeMonitor monitor_;
  History history_;
};

TEST_F(ConsoleSnapshot, Numbers) {
  monitor_.statistics_value = {{"httpd:open_connections", 12, 12, false},
                               {"httpd:requests", 5, 1000},
                               {"httpd:bytes_sent", 18'446'744'073'709'551'615U, 0},
                               {"core:timestamp", 9, 9, false}};
  EXPECT_EQ(make().numbers, (Numbers{{"core:timestamp", "9"},
                                     {"httpd:bytes_sent", "18446744073709551615"},
                                     {"httpd:bytes_sent/s", "0"},
                                     {"httpd:open_connections", "12"},
                                     {"httpd:requests", "5"},
                                     {"httpd:requests/s", "0"},
                                     {"time", "2023-11-14 22:13:20"}}));
  sample(std::chrono::steady_clock::time_point(10s));
  monitor_.statistic("httpd:requests") = {"httpd:requests", 0, 1005};
  sample(std::chrono::steady_clock::time_point(12s));
  EXPECT_EQ(make().numbers["httpd:requests"], "0") << "reset_statistics is followed";
  EXPECT_EQ(make().numbers["httpd:requests/s"], "2.5") << "rates are of totals, which nobody resets";
}

TEST_F(ConsoleSnapshot, NoRowsWhereThereIsNothing) {
  for (const Table& table : make().tables)
    EXPECT_TRUE(table.empty());
}

TEST_F(ConsoleSnapshot, Roots) {
  monitor_.roots_value = {{"mi", "mi_http", "mi", {100, 10, 5, 2}, {kBounds, {100, 0, 0}, 50ms}}};
  EXPECT_THAT(first(kRoots), ElementsAre("mi", "mi_http", "117", "0", "5", "2", "100", "500 µs", "950 µs"));
  sample(std::chrono::steady_clock::time_point(10s));
  monitor_.roots_value[0].replies[0] += 25;
  monitor_.roots_value[0].handler_time.counts = {0, 0, 3};
  sample(std::chrono::steady_clock::time_point(12s));
  EXPECT_THAT(first(kRoots),
              ElementsAre("mi", "mi_http", "142", "12.5", "5", "2", "3", "16.7 ms", "> 60.0 s"));
  monitor_.roots_value[0].handler_time = {kBounds, {0, 0, 0}, 0ns};
  EXPECT_THAT(first(kRoots), ElementsAre("mi", "mi_http", "142", "12.5", "5", "2", "0", "", ""));
}

TEST_F(ConsoleSnapshot, Requests) {
  monitor_.requests_value = {{"mi", "POST /mi HTTP/1.1", "192.0.2.1", "running", 3250ms, 77}};
  EXPECT_THAT(first(kRequests),
              ElementsAre("mi", "POST /mi HTTP/1.1", "192.0.2.1", "running", "3.2 s", "77"));
  monitor_.requests_value[0].state = "queued";
  monitor_.requests_value[0].process = 0;
  EXPECT_THAT(first(kRequests), ElementsAre("mi", "POST /mi HTTP/1.1", "192.0.2.1", "queued", "3.2 s", ""));
  monitor_.requests_value[0].state = "overdue";
  EXPECT_EQ(first(kRequests).at(3), "overdue!bad");
}

TEST_F(ConsoleSnapshot, Workers) {
  monitor_.workers_value = {{1, 77, "GET /mi HTTP/1.1", 250s}};
  EXPECT_THAT(first(kWorkers), ElementsAre("1", "77", "GET /mi HTTP/1.1", "4 min 10 s"));
  monitor_.workers_value = {{2, 78, "", 250s}};
  EXPECT_THAT(first(kWorkers), ElementsAre("2", "78", "free", ""));
}

TEST_F(ConsoleSnapshot, TheTenClientsWithTheMost) {
  for (std::size_t i = 0; i < 20; ++i)
    monitor_.clients_value.push_back({"192.0.2." + std::to_string(i), 100 - i});
  EXPECT_THAT(first(kClients), ElementsAre("192.0.2.0", "100"));
  EXPECT_EQ(make().tables[kClients].size(), 10U);
}

TEST_F(ConsoleSnapshot, Certificates) {
  monitor_.certificates_value = {{"/etc/a.pem", "CN=a,O=b", "a.example, 192.0.2.1", kNow + 90 * kDay}};
  EXPECT_THAT(first(kCertificates),
              ElementsAre("a.example, 192.0.2.1", "CN=a,O=b", "/etc/a.pem", "2024-02-12 22:13:20", "90"));
  EXPECT_EQ(days_left(30 * kDay), "30");
  EXPECT_EQ(days_left(30 * kDay - 1), "29!warning");
  EXPECT_EQ(days_left(7 * kDay), "7!warning");
  EXPECT_EQ(days_left(7 * kDay - 1), "6!bad");
  EXPECT_EQ(days_left(1), "0!bad");
  EXPECT_EQ(days_left(0), "0!bad");
  EXPECT_EQ(days_left(-1), "-1!bad");
  EXPECT_EQ(days_left(-kDay), "-1!bad");
  EXPECT_EQ(days_left(-kDay - 1), "-2!bad");
}

TEST_F(ConsoleSnapshot, Refusals) {
  monitor_.refusals_value = {{std::chrono::system_clock::from_time_t(kNow) + 700ms, "192.0.2.9",
                              "GET /x HTTP/1.1", 429, "too many requests", "max_request_rate",
                              "httpd:refusals_too_many_requests"}};
  EXPECT_THAT(first(kRefusals),
              ElementsAre("2023-11-14 22:13:20", "192.0.2.9", "429", "too many requests",
                          "httpd:refusals_too_many_requests", "GET /x HTTP/1.1", "max_request_rate"));
}

TEST_F(ConsoleSnapshot, TablesEnd) {
  monitor_.requests_value.resize(kMostRows);
  EXPECT_EQ(make().tables[kRequests].size(), kMostRows);
  EXPECT_EQ(make().tables[kRequests].back()[0].text, "");
  monitor_.requests_value.resize(kMostRows + 1);
  const Snapshot snapshot = make();
  const Table& table = snapshot.tables[kRequests];
  ASSERT_EQ(table.size(), kMostRows);
  EXPECT_THAT(texts(table.back()), ElementsAre("and 2 more", "", "", "", "", ""));
}

TEST_F(ConsoleSnapshot, TextsEnd) {
  monitor_.requests_value.resize(1);
  monitor_.requests_value[0].line = std::string(kMostText, 'x');
  EXPECT_EQ(first(kRequests).at(1), std::string(kMostText, 'x'));
  monitor_.requests_value[0].line += 'x';
  EXPECT_EQ(first(kRequests).at(1), std::string(kMostText - 3, 'x') + "...");
}

}  // namespace
}  // namespace httpd::console
