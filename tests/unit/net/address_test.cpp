// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/address.h"

#include <arpa/inet.h>
#include <cstring>
#include <gtest/gtest.h>

namespace httpd::net {
namespace {

TEST(Address, ParsesLiteralsOfBothFamilies) {
  const auto v4 = Address::parse("192.0.2.1", 8888);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->family(), AF_INET);
  EXPECT_EQ(v4->text(), "192.0.2.1:8888");
  const auto v6 = Address::parse("2001:db8::1", 443);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->family(), AF_INET6);
  EXPECT_EQ(v6->text(), "[2001:db8::1]:443");
  EXPECT_EQ(v6->port(), 443);
}

TEST(Address, RefusesWhatIsNoLiteral) {
  for (const std::string_view text : {"", "*", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]",
                                      "::1%lo", ":::", "fe80::1", "fe80::1%nosuchif", "fe80::1%"})
    EXPECT_FALSE(Address::parse(text, 1)) << text;
  EXPECT_FALSE(Address::parse(std::string_view("127.0.0.1\0x", 11), 1));
}

TEST(Address, LinkLocalAddressesNeedTheirZone) {
  const auto address = Address::parse("fe80::1%lo", 80);
  ASSERT_TRUE(address);
  EXPECT_NE(reinterpret_cast<const sockaddr_in6&>(address->get()).sin6_scope_id, 0U);
}

TEST(Address, UnmapsIPv4MappedAddresses) {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(99);
  ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr), 1);
  const Address seen(reinterpret_cast<sockaddr&>(mapped), sizeof mapped);
  EXPECT_EQ(Address::parse("::ffff:192.0.2.7", 99)->text(), "192.0.2.7:99");
  EXPECT_EQ(seen.family(), AF_INET);
  EXPECT_EQ(seen.text(), "192.0.2.7:99");
}

TEST(Address, KnowsLoopbackAndAny) {
  EXPECT_TRUE(Address::parse("127.3.2.1", 1)->is_loopback());
  EXPECT_TRUE(Address::parse("::1", 1)->is_loopback());
  EXPECT_FALSE(Address::parse("128.0.0.1", 1)->is_loopback());
  EXPECT_TRUE(Address::any_v4(1).is_any());
  EXPECT_TRUE(Address::any_v6(1).is_any());
  EXPECT_FALSE(Address::any_v6(1).is_loopback());
  EXPECT_FALSE(Address::parse("::1", 1)->is_any());
}

TEST(Address, TakesNothingFromAShortOrForeignAddress) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  EXPECT_EQ(Address(reinterpret_cast<sockaddr&>(v4), 4).family(), AF_UNSPEC);
  sockaddr other{};
  other.sa_family = AF_NETLINK;
  const Address foreign(other, sizeof other);
  EXPECT_EQ(foreign.family(), AF_UNSPEC);
  EXPECT_EQ(foreign.text(), "unknown");
  EXPECT_EQ(foreign.port(), 0);
  EXPECT_FALSE(foreign.is_loopback());
}

TEST(Address, KeepsTheFamilyOfTheUnixDomain) {
  sockaddr peer{};
  peer.sa_family = AF_UNIX;
  std::strcpy(peer.sa_data, "/a");
  const Address address(peer, sizeof peer.sa_family);  // all that accept(2) gives for a client without a name
  EXPECT_EQ(address.family(), AF_UNIX);
  EXPECT_EQ(address.text(), "unix");
  EXPECT_EQ(address.port(), 0);
  EXPECT_TRUE(address.is_loopback());
  EXPECT_FALSE(address.is_any());
  EXPECT_EQ(Address(peer, sizeof peer).get().sa_data[0], '\0');
  EXPECT_EQ(Address(peer, 1).family(), AF_UNSPEC);
}

TEST(Address, Compares) {
  EXPECT_EQ(*Address::parse("127.0.0.1", 1), *Address::parse("127.0.0.1", 1));
  EXPECT_EQ(*Address::parse("::ffff:127.0.0.1", 1), *Address::parse("127.0.0.1", 1));
  EXPECT_EQ(*Address::parse("::", 1), Address::any_v6(1));
  EXPECT_EQ(*Address::parse("2001:db8:0::1", 1), *Address::parse("2001:DB8::1", 1));
  EXPECT_NE(*Address::parse("127.0.0.1", 1), *Address::parse("127.0.0.1", 2));
  EXPECT_NE(*Address::parse("127.0.0.1", 1), *Address::parse("127.0.0.2", 1));
  EXPECT_NE(*Address::parse("::1", 1), *Address::parse("::2", 1));
  EXPECT_NE(Address::any_v4(1), Address::any_v6(1));
  EXPECT_NE(Address(), Address()) << "nothing is known of them";
  sockaddr_in6 zoned{};
  zoned.sin6_family = AF_INET6;
  zoned.sin6_scope_id = 1;
  const Address one(reinterpret_cast<sockaddr&>(zoned), sizeof zoned);
  zoned.sin6_scope_id = 2;
  EXPECT_NE(one, Address(reinterpret_cast<sockaddr&>(zoned), sizeof zoned));
}

}  // namespace
}  // namespace httpd::net
