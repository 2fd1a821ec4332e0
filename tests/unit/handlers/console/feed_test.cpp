// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/feed.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace httpd::console {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using ::testing::IsEmpty;

Snapshot snapshot(std::string requests = "1", std::string client = "192.0.2.1") {
  Snapshot made;
  made.numbers = {{"httpd:requests", std::move(requests)}, {"httpd:workers", "4"}};
  made.tables[kClients] = {{{std::move(client)}, {"3", Cell::State::kWarning}}};
  made.tables[kWorkers] = {{{"1"}, {"77"}, {"free"}, {""}}};
  return made;
}

class ConsoleFeed : public testing::Test {
 protected:
  void second() {
    steady_ += 1s;
    history_.add(steady_, std::chrono::system_clock::time_point(steady_.time_since_epoch()),
                 {{"httpd:requests", 0, total_}}, roots_);
  }
  /// The messages as "TYPE JSON".
  static std::vector<std::string> lines(const std::vector<Message>& messages) {
    std::vector<std::string> all;
    all.reserve(messages.size());
    for (const Message& message : messages)
      all.push_back(std::string(message.type) + " " + message.data);
    return all;
  }

  std::uint64_t total_ = 0;
  std::vector<Monitor::Root> roots_;
  std::chrono::steady_clock::time_point steady_{1000s};
  History history_;
  Feed feed_{history_, "b\"1"};
};

TEST_F(ConsoleFeed, EverythingAtFirst) {
  feed_.begin(snapshot());
  const std::vector<Message> messages = feed_.everything();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(lines(messages)[0], R"(hello {"build":"b\"1"})");
  EXPECT_EQ(lines(messages)[1], "samples []");
  EXPECT_EQ(messages[2].type, "state");
  EXPECT_EQ(Json::parse(messages[2].data), Json::parse(R"({
    "numbers": {"httpd:requests": "1", "httpd:workers": "4"},
    "tables": {"roots": [], "requests": [], "certificates": [], "refusals": [],
               "clients": [["192.0.2.1", {"text": "3", "state": "warning"}]],
               "workers": [["1", "77", "free", ""]]}})"));
}

TEST_F(ConsoleFeed, ThenWhatChanged) {
  feed_.begin(snapshot());
  EXPECT_THAT(feed_.advance(snapshot()), IsEmpty());
  EXPECT_THAT(lines(feed_.advance(snapshot("2"))),
              testing::ElementsAre(R"(state {"numbers":{"httpd:requests":"2"}})"));
  EXPECT_THAT(feed_.advance(snapshot("2")), IsEmpty());
  EXPECT_THAT(
      lines(feed_.advance(snapshot("2", "192.0.2.7"))),
      testing::ElementsAre(R"(state {"tables":{"clients":[["192.0.2.7",{"text":"3","state":"warning"}]]}})"));
  Snapshot bad = snapshot("2", "192.0.2.7");
  bad.tables[kClients][0][1].state = Cell::State::kBad;
  EXPECT_THAT(
      lines(feed_.advance(bad)),
      testing::ElementsAre(R"(state {"tables":{"clients":[["192.0.2.7",{"text":"3","state":"bad"}]]}})"));
  bad.tables[kClients].clear();
  EXPECT_THAT(lines(feed_.advance(bad)), testing::ElementsAre(R"(state {"tables":{"clients":[]}})"));
  bad.numbers["httpd:new"] = "0";
  EXPECT_THAT(lines(feed_.advance(bad)), testing::ElementsAre(R"(state {"numbers":{"httpd:new":"0"}})"));
  EXPECT_EQ(Json::parse(feed_.everything()[2].data)["numbers"]["httpd:requests"], "2")
      << "who comes later gets what the others know";
}

TEST_F(ConsoleFeed, SamplesOnce) {
  static constexpr std::array<std::chrono::microseconds, 1> kBounds{10ms};
  second();
  second();
  feed_.begin(snapshot());
  EXPECT_EQ(feed_.everything()[1].data, "[[1002.0,0.0,0.0,0.0,null,null,null]]");
  EXPECT_THAT(feed_.advance(snapshot()), IsEmpty()) << "what there was at the beginning everybody has";
  total_ = 7;
  roots_ = {{"mi", "mi_http", "mi", {}, {kBounds, {3, 0}, {}}}};
  second();
  EXPECT_THAT(lines(feed_.advance(snapshot())),
              testing::ElementsAre("samples [[1003.0,7.0,0.0,0.0,5.000,9.500,9.900]]"));
  EXPECT_THAT(feed_.advance(snapshot()), IsEmpty());
  second();
  second();
  const std::vector<Message> late = feed_.advance(snapshot());
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(Json::parse(late[0].data).size(), 2U) << "of a second that could not be told the next one tells";
  EXPECT_EQ(Json::parse(feed_.everything()[1].data).size(), 4U);
}

TEST_F(ConsoleFeed, NoMoreSamplesThanThereAre) {
  second();
  feed_.begin(snapshot());
  for (std::size_t i = 0; i < History::kSize + 5; ++i)
    second();
  const std::vector<Message> messages = feed_.advance(snapshot());
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(Json::parse(messages[0].data).size(), History::kSize);
  EXPECT_EQ(feed_.everything()[1].data, messages[0].data);
}

TEST_F(ConsoleFeed, NumbersAreShort) {
  second();
  total_ = 1;
  steady_ += 2s;
  second();
  feed_.begin(snapshot());
  EXPECT_EQ(feed_.everything()[1].data, "[[1004.0,0.3,0.0,0.0,null,null,null]]");
}

TEST_F(ConsoleFeed, AnyTextIsJson) {
  feed_.begin(snapshot("\xFF\x01\"\\</script>\n", "a\xC3"));
  const Json state = Json::parse(feed_.everything()[2].data);
  EXPECT_EQ(state["numbers"]["httpd:requests"], "\xEF\xBF\xBD\x01\"\\</script>\n");
  EXPECT_EQ(state["tables"]["clients"][0][0], "a\xEF\xBF\xBD");
  EXPECT_EQ(feed_.everything()[2].data.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace httpd::console
