// Tests of lists of networks. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/peers.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <httpd/module.h>

namespace httpd::server {
namespace {

net::Address at(const char* ip) {
  return *net::Address::parse(ip, 1);
}

TEST(PeersTest, ContainNetworksAddressesAndTheUnixDomain) {
  const sockaddr local{AF_UNIX, {}};
  const net::Address unix_peer(local, sizeof local);
  Peers peers;
  EXPECT_TRUE(peers.empty());
  peers.add("10.0.0.0/8, 192.0.2.1,2001:db8::/32");
  EXPECT_FALSE(peers.empty());
  for (const char* const ip : {"10.9.8.7", "192.0.2.1", "2001:db8::5"})
    EXPECT_TRUE(peers.contains(at(ip))) << ip;
  for (const char* const ip : {"11.0.0.0", "192.0.2.2", "2001:db9::"})
    EXPECT_FALSE(peers.contains(at(ip))) << ip;
  EXPECT_FALSE(peers.contains(unix_peer));
  EXPECT_FALSE(peers.contains(net::Address())) << "nobody knows who that is";
  peers.add("unix");
  EXPECT_TRUE(peers.contains(unix_peer));
}

TEST(PeersTest, RefuseEverythingElse) {
  for (const char* const bad :
       {"", "10.0.0.0/8,", "10.0.0.1/8", "localhost", "10.0.0.0/33", "UNIX", "::ffff:1.2.3.4"})
    EXPECT_THROW(Peers().add(bad), ConfigError) << bad;
}

}  // namespace
}  // namespace httpd::server
