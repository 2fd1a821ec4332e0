// Tests of the slowing down of guesses. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/attempts.h"

#include <gtest/gtest.h>
#include <thread>

namespace httpd::server {
namespace {

using std::chrono::seconds;

net::Address at(const std::string& ip) {
  return *net::Address::parse(ip, 1);
}

/// Of an attempt that is made if it may be. Rounded, since the clock does not stand still.
long wait_of(Attempts& attempts, const std::string& ip) {
  const net::Duration wait = attempts.wait_of(at(ip));
  if (wait <= Attempts::kPatience) attempts.begin(at(ip));
  return std::chrono::round<seconds>(wait).count();
}

TEST(AttemptsTest, SomeAreFreeAndTheRestWait) {
  const net::EventLoop loop;
  Attempts attempts(3, seconds(4), loop);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 0);
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 4);
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 8);
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 12) << "too long: it is to be refused";
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 12) << "and counts for nothing";
  EXPECT_EQ(wait_of(attempts, "192.0.2.2"), 0) << "others do not wait";
}

TEST(AttemptsTest, WhatIsForgivenIsFreeAgain) {
  const net::EventLoop loop;
  Attempts attempts(1, seconds(4), loop);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(wait_of(attempts, "2001:db8::1"), 0);
    attempts.forgive(at("2001:db8::2"));
  }
  EXPECT_EQ(wait_of(attempts, "2001:db8::1"), 0);
  EXPECT_EQ(wait_of(attempts, "2001:db8::3"), 4) << "one network is one client";
  attempts.forgive(at("192.0.2.1"));  // never seen
}

TEST(AttemptsTest, TimeBringsThemBack) {
  net::EventLoop loop;
  Attempts attempts(1, seconds(1), loop);
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  loop.refresh_time();
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 0);
}

TEST(AttemptsTest, NoLimitIsNoLimit) {
  const net::EventLoop loop;
  Attempts attempts(0, seconds(4), loop);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 0);
}

TEST(AttemptsTest, ManyClientsAreNotRememberedForEver) {
  const net::EventLoop loop;
  Attempts attempts(1, seconds(4), loop);
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 0);
  for (std::size_t i = 0; i < Attempts::kRemembered; ++i)
    static_cast<void>(wait_of(attempts, "10." + std::to_string(i / 65536) + "." +
                                            std::to_string(i / 256 % 256) + "." + std::to_string(i % 256)));
  EXPECT_EQ(wait_of(attempts, "192.0.2.1"), 0) << "the one who tried longest ago";
  EXPECT_EQ(wait_of(attempts, "10.0.63.255"), 4) << "the last one";
}

}  // namespace
}  // namespace httpd::server
