// Tests of the time that clients may take: what a batch spends, and how long dead names are remembered.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/patience.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace httpd::mi_fifo {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

const Patience::Clock::time_point kNow{std::chrono::hours(1)};

TEST(Patience, ABatchSpendsItsTimeAndTheNextHasItsOwn) {
  Patience patience(milliseconds(1000));
  EXPECT_EQ(patience.at_most(milliseconds(400)), milliseconds(400));
  EXPECT_EQ(patience.at_most(milliseconds(5000)), milliseconds(1000));
  patience.spend(milliseconds(700));
  EXPECT_EQ(patience.at_most(milliseconds(400)), milliseconds(300));
  patience.spend(milliseconds(300) - microseconds(1));
  EXPECT_EQ(patience.at_most(milliseconds(400)), milliseconds(1));
  patience.spend(microseconds(1));
  EXPECT_EQ(patience.at_most(milliseconds(400)), milliseconds(0));
  patience.spend(milliseconds(400));
  EXPECT_EQ(patience.at_most(milliseconds(400)), milliseconds(0));
  patience.renew();
  EXPECT_EQ(patience.at_most(milliseconds(5000)), milliseconds(1000));
}

TEST(Patience, ADeadNameIsForgottenInTime) {
  Patience patience(milliseconds(0));
  patience.add_dead("a", kNow);
  EXPECT_TRUE(patience.is_dead("a", kNow));
  EXPECT_FALSE(patience.is_dead("b", kNow));
  EXPECT_TRUE(patience.is_dead("a", kNow + kDeadNameTime - milliseconds(1)));
  EXPECT_FALSE(patience.is_dead("a", kNow + kDeadNameTime));
  patience.add_dead("a", kNow + milliseconds(1));
  EXPECT_TRUE(patience.is_dead("a", kNow + kDeadNameTime));
  EXPECT_FALSE(patience.is_dead("a", kNow + kDeadNameTime + milliseconds(1)));
}

TEST(Patience, OnlySoManyDeadNamesAreKept) {
  Patience patience(milliseconds(0));
  for (std::size_t number = 0; number < kMaxDeadNames; ++number)
    patience.add_dead(std::to_string(number), kNow);
  EXPECT_TRUE(patience.is_dead("0", kNow));
  patience.add_dead(std::to_string(kMaxDeadNames - 1), kNow);
  EXPECT_TRUE(patience.is_dead("0", kNow));
  patience.add_dead("one more", kNow);
  EXPECT_FALSE(patience.is_dead("0", kNow));
  EXPECT_TRUE(patience.is_dead("1", kNow));
  EXPECT_TRUE(patience.is_dead("one more", kNow));
}

}  // namespace
}  // namespace httpd::mi_fifo
