// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/statistics.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <thread>

namespace httpd::server {
namespace {

TEST(Statistics, CountsRepliesByClass) {
  Statistics statistics;
  for (const int status : {200, 204, 302, 404, 413, 431, 500})
    statistics.count_reply(status);
  EXPECT_EQ(statistics.value(Statistics::kReplies2xx), 2U);
  EXPECT_EQ(statistics.value(Statistics::kReplies3xx), 1U);
  EXPECT_EQ(statistics.value(Statistics::kReplies4xx), 3U);
  EXPECT_EQ(statistics.value(Statistics::kReplies5xx), 1U);
}

TEST(Statistics, GaugesFall) {
  Statistics statistics;
  statistics.add(Statistics::kOpenConnections, 3);
  statistics.subtract(Statistics::kOpenConnections);
  EXPECT_EQ(statistics.value(Statistics::kOpenConnections), 2U);
  EXPECT_FALSE(Statistics::descriptions()[Statistics::kOpenConnections].incremental);
}

TEST(Statistics, AResetWhileItIsReadMakesNoHugeNumber) {
  constexpr int kReads = 3'000'000;
  Counter counter;
  std::atomic<bool> enough{false};
  const auto until_enough = [&enough](auto act) {
    return std::thread([&enough, act] {
      while (!enough)
        act();
    });
  };
  std::thread counting = until_enough([&counter] { counter.add(); });
  std::thread resetting = until_enough([&counter] { counter.reset(); });
  std::uint64_t most = 0;
  for (int i = 0; i < kReads; ++i)
    most = std::max(most, counter.since_reset());
  enough = true;
  counting.join();
  resetting.join();
  EXPECT_LE(most, counter.value());
}

TEST(Statistics, HandshakesAreCountedBesideTheRest) {
  const auto& descriptions = Statistics::descriptions();
  EXPECT_EQ(descriptions[Statistics::kTlsHandshakes].name, "tls_handshakes");
  EXPECT_EQ(descriptions[Statistics::kTlsResumed].name, "tls_resumed");
  EXPECT_EQ(descriptions[Statistics::kTlsFailures].name, "tls_failures");
  EXPECT_TRUE(descriptions[Statistics::kTlsFailures].incremental);
  EXPECT_EQ(descriptions[Statistics::kHandlerTimeouts].name, "handler_timeouts") << "the last";
}

TEST(Statistics, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const auto& description : Statistics::descriptions()) {
    EXPECT_FALSE(description.name.empty());
    EXPECT_TRUE(names.insert(description.name).second) << description.name;
  }
}

}  // namespace
}  // namespace httpd::server
