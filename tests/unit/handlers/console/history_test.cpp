// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/history.h"

#include <array>
#include <gmock/gmock.h>

namespace httpd::console {
namespace {

using namespace std::chrono_literals;
using Micro = std::chrono::microseconds;
using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::Optional;

constexpr std::array<Micro, 3> kBounds{Micro(1000), Micro(5000), Micro(10000)};

double ms(double q, const std::vector<std::uint64_t>& counts) {
  const auto found = quantile(q, kBounds, counts);
  return found ? found->value.count() * 1000 : -1;
}

TEST(ConsoleQuantile, IsSpreadEvenlyInItsLength) {
  EXPECT_NEAR(ms(0.5, {10, 0, 0, 0}), 0.5, 1e-9);
  EXPECT_NEAR(ms(1, {10, 0, 0, 0}), 1, 1e-9);
  EXPECT_NEAR(ms(0.95, {0, 100, 0, 0}), 4.8, 1e-9);
  EXPECT_NEAR(ms(0.5, {50, 50, 0, 0}), 1, 1e-9) << "what is just complete is not in the next one";
  EXPECT_NEAR(ms(0.75, {50, 0, 50, 0}), 7.5, 1e-9) << "lengths without any are passed over";
  EXPECT_NEAR(ms(0, {0, 4, 0, 0}), 1, 1e-9);
}

TEST(ConsoleQuantile, BeyondTheLastBound) {
  const auto found = quantile(0.99, kBounds, std::vector<std::uint64_t>{98, 0, 0, 2});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->beyond);
  EXPECT_DOUBLE_EQ(found->value.count(), 0.01);
  const auto last = quantile(1, kBounds, std::vector<std::uint64_t>{0, 0, 3, 0});
  ASSERT_TRUE(last);
  EXPECT_FALSE(last->beyond);
}

TEST(ConsoleQuantile, OfNothing) {
  EXPECT_FALSE(quantile(0.5, kBounds, std::vector<std::uint64_t>{0, 0, 0, 0}));
  EXPECT_FALSE(quantile(0.5, {}, std::vector<std::uint64_t>{7}));
  EXPECT_FALSE(quantile(0.5, kBounds, std::vector<std::uint64_t>{7}));
  EXPECT_FALSE(quantile(0.5, {}, {}));
}

class ConsoleHistory : public testing::Test {
 protected:
  /// Adds what the members say, so much later.
  void add(std::chrono::duration<double> later = 1s, std::chrono::duration<double> wall_later = 0s) {
    using Steady = std::chrono::steady_clock::duration;
    using Wall = std::chrono::system_clock::duration;
    steady_ += std::chrono::duration_cast<Steady>(later);
    wall_ += std::chrono::duration_cast<Wall>(later + wall_later);
    history_.add(steady_, wall_,
                 {{"httpd:requests", 0, requests_},
                  {"httpd:replies_4xx", 0, errors_},
                  {"httpd:replies_5xx", 0, failures_},
                  {"httpd:bytes_sent", 0, bytes_}},
                 roots_);
  }
  [[nodiscard]] const Sample& last() const { return history_.samples().back(); }
  static Monitor::Root root(std::string_view name, std::vector<std::uint64_t> calls,
                            std::span<const Micro> bounds = kBounds) {
    return {name, "module", name, {}, {bounds, std::move(calls), {}}};
  }

  std::uint64_t requests_ = 100, errors_ = 10, failures_ = 1, bytes_ = 1'000'000;
  std::vector<Monitor::Root> roots_;
  std::chrono::steady_clock::time_point steady_{5h};
  std::chrono::system_clock::time_point wall_{std::chrono::seconds(1'000'000)};
  History history_;
};

TEST_F(ConsoleHistory, BeginsWithTheSecondCall) {
  EXPECT_EQ(history_.statistic_rate("httpd:requests"), 0);
  add();
  EXPECT_TRUE(history_.samples().empty());
  EXPECT_EQ(history_.count(), 0U);
  EXPECT_EQ(history_.statistic_rate("httpd:requests"), 0) << "all since the start is not of one second";
  add();
  EXPECT_EQ(history_.samples().size(), 1U);
  EXPECT_EQ(history_.count(), 1U);
  EXPECT_EQ(last().requests, 0);
}

TEST_F(ConsoleHistory, DividesByTheTimeThatPassed) {
  add();
  requests_ += 30;
  errors_ += 6;
  failures_ += 3;
  bytes_ += 4500;
  add(1500ms);
  EXPECT_DOUBLE_EQ(last().time, 1'000'002.5);
  EXPECT_DOUBLE_EQ(last().requests, 20);
  EXPECT_DOUBLE_EQ(last().replies_4xx, 4);
  EXPECT_DOUBLE_EQ(last().replies_5xx, 2);
  EXPECT_DOUBLE_EQ(history_.statistic_rate("httpd:bytes_sent"), 3000);
  EXPECT_EQ(history_.statistic_rate("httpd:unknown"), 0);
  add();
  EXPECT_EQ(last().requests, 0);
  EXPECT_EQ(history_.statistic_rate("httpd:bytes_sent"), 0);
}

TEST_F(ConsoleHistory, FallingTotalsAreNothing) {
  roots_ = {root("mi", {5, 5, 5, 5})};
  roots_[0].replies = {9, 9, 9, 9};
  add();
  requests_ = 3;
  roots_ = {root("mi", {0, 6, 0, 0})};
  roots_[0].replies = {1, 0, 0, 0};
  add();
  EXPECT_EQ(last().requests, 0);
  EXPECT_EQ(history_.root_rate("mi"), 0);
  EXPECT_THAT(last().p50, Optional(DoubleNear(3, 1e-9))) << "the one length that has grown";
  requests_ = 5;
  add();
  EXPECT_EQ(last().requests, 2);
}

TEST_F(ConsoleHistory, NoTimeIsNoSample) {
  add();
  requests_ += 5;
  add(0s);
  EXPECT_EQ(history_.count(), 0U);
  add(-1s);
  EXPECT_EQ(history_.count(), 0U);
  add(2s);
  ASSERT_EQ(history_.count(), 1U);
  EXPECT_EQ(last().requests, 5) << "nothing is lost, and it took one second since the last that counted";
}

TEST_F(ConsoleHistory, TimesOfAllRootsTogether) {
  roots_ = {root("a", {7, 0, 0, 0}), root("b", {0, 0, 9, 0})};
  add();
  EXPECT_TRUE(history_.samples().empty());
  add();
  EXPECT_FALSE(last().p50 || last().p95 || last().p99) << "nothing was called";
  roots_ = {root("a", {57, 0, 0, 0}), root("b", {0, 0, 58, 1})};
  add();
  EXPECT_THAT(last().p50, Optional(DoubleNear(1, 1e-9)));
  EXPECT_THAT(last().p95, Optional(DoubleNear(5 + 5.0 * 45 / 49, 1e-9)));
  EXPECT_THAT(last().p99, Optional(DoubleNear(10, 1e-9)));
}

TEST_F(ConsoleHistory, RootsAreFoundByTheirNames) {
  roots_ = {root("a", {0, 0, 0, 0}), root("b", {100, 0, 0, 0})};
  roots_[1].replies = {50, 0, 0, 0};
  add();
  roots_ = {root("b", {100, 0, 0, 0}), root("c", {0, 2, 0, 0})};
  roots_[0].replies = {53, 0, 4, 1};
  roots_[1].replies = {2, 0, 0, 0};
  add();
  EXPECT_EQ(history_.root_rate("a"), 0);
  EXPECT_EQ(history_.root_rate("b"), 8);
  EXPECT_EQ(history_.root_rate("c"), 2);
  EXPECT_THAT(last().p50, Optional(DoubleNear(3, 1e-9)));
}

TEST_F(ConsoleHistory, OtherLengthsAreNotAdded) {
  constexpr std::array<Micro, 1> kOther{Micro(1)};
  roots_ = {root("a", {0, 0, 0, 0}), root("b", {0, 0}, kOther), root("c", {0})};
  add();
  roots_ = {root("a", {0, 0, 1, 0}), root("b", {100, 0}, kOther), root("c", {100})};
  add();
  EXPECT_THAT(last().p50, Optional(DoubleNear(7.5, 1e-9)));
}

TEST_F(ConsoleHistory, KeepsTheLastOnes) {
  add();
  for (std::size_t i = 0; i < History::kSize + 7; ++i) {
    requests_ += i;
    add();
  }
  ASSERT_EQ(history_.samples().size(), History::kSize);
  EXPECT_EQ(history_.count(), History::kSize + 7);
  EXPECT_EQ(history_.samples().front().requests, 7);
  EXPECT_EQ(last().requests, History::kSize + 6);
}

TEST_F(ConsoleHistory, StaysInOrderWhenTheClockIsSetBack) {
  add();
  add();
  add();
  requests_ += 7;
  add(1s, -1h);
  ASSERT_EQ(history_.samples().size(), 3U);
  const double now = 1'000'004 - 3600;
  EXPECT_THAT(history_.samples()[0].time, DoubleEq(now - 2));
  EXPECT_THAT(history_.samples()[1].time, DoubleEq(now - 1));
  EXPECT_THAT(last().time, DoubleEq(now));
  EXPECT_EQ(last().requests, 7) << "rates are by the other clock";
}

TEST_F(ConsoleHistory, LeavesAGapWhenTheClockIsSetForward) {
  add();
  add();
  add(1s, 1h);
  EXPECT_THAT(history_.samples()[0].time, DoubleEq(1'000'002));
  EXPECT_THAT(last().time, DoubleEq(1'003'603));
  EXPECT_EQ(last().requests, 0);
  add(1s, -100ms);
  EXPECT_THAT(history_.samples()[0].time, DoubleEq(1'000'002)) << "a correction moves nothing";
}

}  // namespace
}  // namespace httpd::console
