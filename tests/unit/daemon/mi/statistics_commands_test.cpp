// Tests of get_statistics and list_statistics.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/mi/commands.h"
#include "fakes.h"

namespace httpd::daemon {
namespace {

constexpr const char* kNotFound = R"({"code":404,"message":"Statistics Not Found"})";

class Statistics : public testing::Test {
 protected:
  Statistics() { add_statistics_commands(registry_, state_); }
  std::string get(const std::string& items) {
    return run_command(registry_, "get_statistics", "[[" + items + "]]").dump();
  }
  std::string list(const std::string& items) {
    return run_command(registry_, "list_statistics", R"({"statistics":[)" + items + "]}").dump();
  }
  FakeLog log_;
  FakeState state_;
  MiRegistry registry_{log_};
};

TEST_F(Statistics, GetsAll) {
  EXPECT_EQ(get("\"all\""),
            R"({"core:uptime":5,"httpd:requests":9000000000,"httpd:connections":3,"other:requests":7})");
}

TEST_F(Statistics, GetsGroupsAndSingleOnesInTheOrderOfAsking) {
  EXPECT_EQ(get("\"httpd:\""), R"({"httpd:requests":9000000000,"httpd:connections":3})");
  EXPECT_EQ(get("\"connections\",\"core:\""), R"({"httpd:connections":3,"core:uptime":5})");
  EXPECT_EQ(get("\"requests\""), R"({"httpd:requests":9000000000})");
  EXPECT_EQ(get("\"other:requests\""), R"({"other:requests":7})");
  EXPECT_EQ(get("\"uptime\",\"nope\",\"core:uptime\",\"core:\""), R"({"core:uptime":5})");
}

TEST_F(Statistics, NothingFound) {
  for (const char* items : {"\"nope\"", "\"nope:\"", "\":\"", "\"\"", "\"httpd\"", "\"httpd:nope\"",
                            "\"core:requests\"", "\"ALL\"", "5"}) {
    EXPECT_EQ(get(items), kNotFound) << items;
    EXPECT_EQ(list(items), kNotFound) << items;
  }
}

TEST_F(Statistics, BadParameters) {
  EXPECT_EQ(run_command(registry_, "get_statistics", "[\"all\"]").value("data", ""),
            "Bad type for parameter 'statistics'");
  EXPECT_EQ(run_command(registry_, "get_statistics", "[[]]").value("data", ""),
            "Empty array in parameter 'statistics'");
  EXPECT_EQ(run_command(registry_, "list_statistics", "[[null]]").value("data", ""),
            "Bad type for array item in parameter 'statistics'");
  EXPECT_EQ(run_command(registry_, "get_statistics").value("data", ""), "Too few or too many parameters");
}

TEST_F(Statistics, ListsTypes) {
  EXPECT_EQ(run_command(registry_, "list_statistics").dump(),
            R"({"core:uptime":"non-incremental","httpd:requests":"incremental",)"
            R"("httpd:connections":"non-incremental","other:requests":"incremental"})");
  EXPECT_EQ(list("\"other:\""), R"({"other:requests":"incremental"})");
  EXPECT_EQ(list("\"connections\",\"core:\""),
            R"({"core:uptime":"non-incremental","connections":"non-incremental"})");
  EXPECT_EQ(list("\"all\""), kNotFound);
}

TEST_F(Statistics, ResetsSingleOnesOrAll) {
  const auto reset = [this](const std::string& items) {
    return run_command(registry_, "reset_statistics", "[[" + items + "]]").dump();
  };
  EXPECT_EQ(reset(R"("connections","nope","httpd:requests","httpd:requests")"), "\"OK\"");
  EXPECT_EQ(state_.reset, (std::vector<std::size_t>{2, 1}));
  for (const char* items : {"\"nope\"", "\"httpd:\"", "\"all\"", "5"})
    EXPECT_EQ(reset(items), kNotFound) << items;
  EXPECT_EQ(state_.reset.size(), 2U);
  EXPECT_EQ(run_command(registry_, "statistics:reset_all").dump(), "\"OK\"");
  EXPECT_EQ(state_.reset, (std::vector<std::size_t>{2, 1, 0, 1, 2, 3}));
}

TEST_F(Statistics, AskingForAllOverAndOverIsCheap) {
  std::string items = "\"all\"";
  for (int i = 0; i < 50'000; ++i)
    items += ",\"all\"";
  EXPECT_EQ(get(items), get("\"all\""));
}

}  // namespace
}  // namespace httpd::daemon
