// Tests of what is kept of refusals. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/refusal_history.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::server {
namespace {

using http::Refusal;

TEST(RefusalHistory, TellsTheNewestFirst) {
  RefusalHistory history;
  EXPECT_TRUE(history.entries().empty());
  const auto before = std::chrono::system_clock::now();
  history.note(Refusal::kNoSuchRoot, *net::Address::parse("192.0.2.1", 80), "GET /x HTTP/1.1");
  history.note(Refusal::kTooManyConnections, net::Address(), "");
  const auto entries = history.entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].refusal, Refusal::kTooManyConnections);
  EXPECT_EQ(entries[0].client.text(), "unknown");
  EXPECT_EQ(entries[0].request.view(), "");
  EXPECT_EQ(entries[1].refusal, Refusal::kNoSuchRoot);
  EXPECT_EQ(entries[1].client.text(), "192.0.2.1:80");
  EXPECT_EQ(entries[1].request.view(), "GET /x HTTP/1.1");
  EXPECT_GE(entries[1].time, before);
  EXPECT_LE(entries[1].time, entries[0].time);
}

TEST(RefusalHistory, ForgetsTheOldest) {
  RefusalHistory history;
  for (std::size_t i = 0; i < Monitor::kRefusals + 3; ++i)
    history.note(Refusal::kNoSuchRoot, net::Address(), std::to_string(i));
  const auto entries = history.entries();
  ASSERT_EQ(entries.size(), Monitor::kRefusals);
  EXPECT_EQ(entries.front().request.view(), std::to_string(Monitor::kRefusals + 2));
  EXPECT_EQ(entries.back().request.view(), "3");
}

TEST(RefusalHistory, CutsWhatIsLong) {
  RefusalHistory history;
  history.note(Refusal::kTargetTooLong, net::Address(), std::string(10'000, 'x'));
  EXPECT_EQ(history.entries()[0].request.view(), std::string(160, 'x'));
}

}  // namespace
}  // namespace httpd::server
