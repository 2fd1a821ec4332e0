// Tests of what tells clients apart. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/client_key.h"

#include <gtest/gtest.h>

namespace httpd::server {
namespace {

ClientKey of(const char* ip, std::uint16_t port = 1) {
  return ClientKey::of(*net::Address::parse(ip, port));
}

TEST(ClientKeyTest, IsTheAddressOrTheNetworkOfAHost) {
  EXPECT_EQ(of("192.0.2.1", 1), of("192.0.2.1", 2));
  EXPECT_NE(of("192.0.2.1"), of("192.0.2.2"));
  EXPECT_EQ(of("2001:db8::1"), of("2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_NE(of("2001:db8::1"), of("2001:db8:0:1::1"));
  EXPECT_NE(of("192.0.2.1"), of("c000:201::"));
  EXPECT_EQ(ClientKey::of(net::Address()), ClientKey::of(net::Address()));
}

TEST(ClientKeyTest, IsAText) {
  EXPECT_EQ(of("192.0.2.1").text(), "192.0.2.1");
  EXPECT_EQ(of("2001:db8:1:2:3:4:5:6").text(), "2001:db8:1:2::/64");
  EXPECT_EQ(of("::1").text(), "::/64");
  EXPECT_EQ(ClientKey::of(net::Address()).text(), "unknown");
  EXPECT_EQ((ClientKey{0, AF_UNIX}).text(), "unix");
}

TEST(ClientKeyTest, HashesDifferFromProcessToProcess) {
  const ClientKey::Hash one{1};
  const ClientKey::Hash other{2};
  EXPECT_EQ(one(of("192.0.2.1")), one(of("192.0.2.1")));
  EXPECT_NE(one(of("192.0.2.1")), other(of("192.0.2.1")));
  EXPECT_NE(one(of("192.0.2.1")), one(of("192.0.2.2")));
}

}  // namespace
}  // namespace httpd::server
