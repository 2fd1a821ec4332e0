// Tests of networks of addresses. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/network.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::net {
namespace {

bool holds(std::string_view network, std::string_view address) {
  const auto parsed = Network::parse(network);
  EXPECT_TRUE(parsed) << network;
  return parsed && parsed->contains(*Address::parse(address, 1));
}

TEST(Network, HoldsTheAddressesThatBeginWithItsBits) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("::/0", "2001:db8::1"));
  EXPECT_TRUE(holds("fe80::/10", "fe80::1%lo"));
}

TEST(Network, AnAddressIsANetworkOfOne) {
  EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(holds("192.0.2.1", "192.0.2.0"));
  EXPECT_TRUE(holds("::1", "::1"));
  EXPECT_FALSE(holds("::1/128", "::2"));
}

TEST(Network, FamiliesDoNotMix) {
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_FALSE(holds("::/0", "127.0.0.1"));
  EXPECT_FALSE(holds("::/0", "::ffff:127.0.0.1")) << "that is an IPv4 address";
  EXPECT_FALSE(Network::parse("::/0")->contains(Address()));
}

TEST(Network, NothingElseIsOne) {
  for (const std::string text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ", " 10.0.0.0/8",
        "10.0.0.1/8", "10/8", "10.0.0.0/8/8", "::1/129", "2001:db8::1/32", "fe80::1%lo", "localhost", "*",
        "::ffff:10.0.0.0/104", "10.0.0.0/99999999999"})
    EXPECT_FALSE(Network::parse(text)) << text;
}

}  // namespace
}  // namespace httpd::net
