// Tests of the limits over all clients and for each. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/admission.h"

#include <gtest/gtest.h>
#include <string>
#include <sys/un.h>
#include <thread>
#include <vector>

#include "server/settings.h"

namespace httpd::server {
namespace {

using http::Refusal;

class AdmissionTest : public ::testing::Test {
 protected:
  static net::Address at(std::string_view literal) { return *net::Address::parse(literal, 4711); }
  static net::Address unix_peer() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    return {reinterpret_cast<sockaddr&>(address), sizeof address};
  }
  Admission& made() {
    if (!admission) admission = std::make_unique<Admission>(settings, loop);
    return *admission;
  }
  /// Enters, and stays if there is a place.
  Refusal enter(const net::Address& peer) {
    places.push_back(made().enter(peer));
    return places.back().refusal();
  }
  Refusal enter(std::string_view literal) { return enter(at(literal)); }

  net::EventLoop loop;
  Settings settings;
  std::unique_ptr<Admission> admission;
  std::vector<Admission::Place> places;
};

TEST_F(AdmissionTest, OneMoreThanTheLimitIsTurnedAway) {
  settings.max_connections = 3;
  settings.max_client_connections = 3;
  for (const char* peer : {"192.0.2.1", "192.0.2.2", "2001:db8::1"})
    EXPECT_EQ(enter(peer), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.3"), Refusal::kTooManyConnections);
  EXPECT_TRUE(places.back().may_speak());
  places.erase(places.begin());
  EXPECT_EQ(enter("192.0.2.3"), Refusal::kNone) << "one has left";
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kTooManyConnections);
}

TEST_F(AdmissionTest, OneMoreOfAClientIsTurnedAwayAndOthersAreNot) {
  settings.max_client_connections = 2;
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kTooManyOfClient);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kNone);
  places.erase(places.begin());
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone) << "one has left";
}

TEST_F(AdmissionTest, AnIpv6ClientIsANetworkOf64Bits) {
  settings.max_client_connections = 1;
  EXPECT_EQ(enter("2001:db8:0:1::1"), Refusal::kNone);
  EXPECT_EQ(enter("2001:db8:0:1:ffff::2"), Refusal::kTooManyOfClient);
  EXPECT_EQ(enter("2001:db8:0:2::1"), Refusal::kNone);
}

TEST_F(AdmissionTest, Ipv4ClientsOfADualStackSocketAreClientsEach) {
  settings.max_client_connections = 1;
  EXPECT_EQ(enter("::ffff:192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("::ffff:192.0.2.2"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kTooManyOfClient);
}

TEST_F(AdmissionTest, NoClientGetsMoreThanThreeQuartersUnlessToldSo) {
  settings.max_connections = 8;
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kTooManyOfClient);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kNone);
  made().limit_connections(7);
  EXPECT_EQ(enter("192.0.2.3"), Refusal::kTooManyConnections);
}

TEST_F(AdmissionTest, ThisMachineHasOnePlaceMore) {
  settings.max_connections = 2;
  settings.max_client_connections = 1;
  EXPECT_EQ(enter("127.0.0.1"), Refusal::kNone);
  EXPECT_EQ(enter("127.0.0.1"), Refusal::kNone) << "beyond the client's limit";
  EXPECT_EQ(enter("127.0.0.1"), Refusal::kTooManyOfClient);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("127.0.0.2"), Refusal::kTooManyConnections) << "all of loopback is one machine";
  EXPECT_EQ(enter("::1"), Refusal::kTooManyConnections);
  EXPECT_EQ(enter(unix_peer()), Refusal::kTooManyConnections);
  places.erase(places.begin() + 1);
  EXPECT_EQ(enter(unix_peer()), Refusal::kNone);
  EXPECT_EQ(enter("127.0.0.1"), Refusal::kTooManyConnections);
}

TEST_F(AdmissionTest, EachAdministratorHasOnePlaceMore) {
  settings.max_connections = 1;
  settings.admin_addresses.add("192.0.2.0/24, 2001:db8::/32");
  EXPECT_EQ(enter("198.51.100.1"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kTooManyConnections);
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kNone);
  EXPECT_EQ(enter("2001:db8::1"), Refusal::kNone);
  EXPECT_EQ(enter("198.51.100.2"), Refusal::kTooManyConnections);
  places.erase(places.begin() + 1);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone) << "the place is free again";
}

TEST_F(AdmissionTest, ReservedPlacesHaveALimitOfTheirOwn) {
  settings.max_connections = 1;
  settings.admin_addresses.add("10.0.0.0/8");
  EXPECT_EQ(enter("198.51.100.1"), Refusal::kNone);
  for (std::size_t i = 0; i < Admission::kReservedPlaces; ++i)
    EXPECT_EQ(enter("10.0.0." + std::to_string(i)), Refusal::kNone);
  EXPECT_EQ(enter("10.0.1.1"), Refusal::kTooManyConnections);
  EXPECT_EQ(enter("127.0.0.1"), Refusal::kTooManyConnections);
}

TEST_F(AdmissionTest, OnlySoManyAreTurnedAwayWithAWord) {
  settings.max_connections = 1;
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  for (std::size_t i = 0; i < Admission::kTurnedAwayPlaces; ++i) {
    EXPECT_EQ(enter("192.0.2.2"), Refusal::kTooManyConnections);
    EXPECT_TRUE(places.back().may_speak());
  }
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kTooManyConnections);
  EXPECT_FALSE(places.back().may_speak());
  places.clear();
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kNone);
}

TEST_F(AdmissionTest, APlaceThatMovedIsLeftOnce) {
  settings.max_connections = 1;
  Admission::Place first = made().enter(at("192.0.2.1"));
  Admission::Place second = std::move(first);
  first = Admission::Place();
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kTooManyConnections);
  second = Admission::Place();
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kNone);
}

TEST_F(AdmissionTest, RequestsAreFreeUnlessThereIsARate) {
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  for (int i = 0; i < 100'000; ++i)
    ASSERT_TRUE(made().charge(places.back()));
}

TEST_F(AdmissionTest, ABurstIsTakenAndOneMoreIsNot) {
  settings.max_request_rate = 1;
  settings.max_request_burst = 3;
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(made().charge(places[static_cast<std::size_t>(i % 2)])) << "over all its connections";
  EXPECT_FALSE(made().charge(places[0]));
  EXPECT_FALSE(made().charge(places[1]));
  EXPECT_EQ(enter("192.0.2.2"), Refusal::kNone);
  EXPECT_TRUE(made().charge(places.back())) << "another client";
}

TEST_F(AdmissionTest, TheRateGivesRequestsBack) {
  settings.max_request_rate = 20;
  settings.max_request_burst = 1;
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  EXPECT_TRUE(made().charge(places[0]));
  EXPECT_FALSE(made().charge(places[0]));
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  loop.refresh_time();
  EXPECT_TRUE(made().charge(places[0]));
  EXPECT_FALSE(made().charge(places[0])) << "one burst and no more, however long it waited";
}

TEST_F(AdmissionTest, WithoutABurstItIsThatOfOneSecond) {
  settings.max_request_rate = 5;
  EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(made().charge(places[0]));
  EXPECT_FALSE(made().charge(places[0]));
}

TEST_F(AdmissionTest, AnotherConnectionGivesNoRequestsBack) {
  settings.max_request_rate = 1;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(enter("192.0.2.1"), Refusal::kNone);
    EXPECT_EQ(made().charge(places[0]), i == 0);
    places.clear();
  }
}

TEST_F(AdmissionTest, AdministratorsAndUnixSocketsHaveNoRate) {
  settings.max_request_rate = 1;
  settings.admin_addresses.add("192.0.2.1");
  for (const net::Address& peer : {at("192.0.2.1"), unix_peer()}) {
    EXPECT_EQ(enter(peer), Refusal::kNone);
    for (int i = 0; i < 5; ++i)
      EXPECT_TRUE(made().charge(places.back()));
  }
}

TEST_F(AdmissionTest, ManyAddressesDoNotFillTheMemory) {
  settings.max_request_rate = 1;
  for (std::size_t i = 0; i < Admission::kRememberedClients + 2; ++i) {
    const Admission::Place place =
        made().enter(at("10." + std::to_string(i >> 16U) + '.' + std::to_string(i >> 8U & 255U) + '.' +
                        std::to_string(i & 255U)));
    EXPECT_TRUE(made().charge(place));
  }
  EXPECT_EQ(enter("10.0.0.0"), Refusal::kNone);
  EXPECT_TRUE(made().charge(places.back())) << "the one that left first is forgotten";
  EXPECT_EQ(enter("10.0.255.255"), Refusal::kNone);
  EXPECT_EQ(enter("10.0.63.255"), Refusal::kNone);
  EXPECT_FALSE(made().charge(places.back()));
}

TEST_F(AdmissionTest, TellsWhoHasTheMostConnections) {
  EXPECT_TRUE(made().clients(10).empty());
  settings.max_client_connections = 100;
  made().limit_connections(100);
  for (const char* const literal : {"192.0.2.2", "192.0.2.1", "192.0.2.1", "2001:db8:0:1::7",
                                    "2001:db8:0:1::8", "2001:db8:0:1::9", "192.0.2.3"})
    EXPECT_EQ(enter(literal), Refusal::kNone);
  EXPECT_EQ(made().enter(unix_peer()).refusal(), Refusal::kNone);
  const std::vector<Monitor::Client> most = made().clients(2);
  ASSERT_EQ(most.size(), 2U);
  EXPECT_EQ(most[0].address, "2001:db8:0:1::/64");
  EXPECT_EQ(most[0].connections, 3U);
  EXPECT_EQ(most[1].address, "192.0.2.1");
  EXPECT_EQ(most[1].connections, 2U);
  EXPECT_EQ(made().clients(100).size(), 4U);
  places.clear();
  EXPECT_TRUE(made().clients(10).empty()) << "who has left is not there";
}

}  // namespace
}  // namespace httpd::server
