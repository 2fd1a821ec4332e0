// Tests of whom a request comes from. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/forwarding.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <httpd/module.h>

#include "request.h"

namespace httpd::server {
namespace {

using http::Refusal;

class ForwardingTest : public ::testing::Test {
 protected:
  ForwardingTest() { settings.trusted_proxies.add("127.0.0.1, 10.0.0.0/8, unix"); }
  std::string client(std::initializer_list<std::string_view> fields, const char* peer = "127.0.0.1") {
    return client_of(fields, *net::Address::parse(peer, 4711));
  }
  std::string client_of(std::initializer_list<std::string_view> fields, const net::Address& peer) {
    const TestHead request("GET /", fields);
    net::Address found;
    refusal = find_client(settings, request.head(), peer, found);
    return refusal == Refusal::kNone ? found.text() : "refused";
  }
  ForwardingSettings settings;
  Refusal refusal = Refusal::kNone;
};

TEST_F(ForwardingTest, NobodyElseIsBelieved) {
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1"}, "198.51.100.1"), "198.51.100.1:4711");
  EXPECT_EQ(client({"Forwarded: for=192.0.2.1"}, "198.51.100.1"), "198.51.100.1:4711");
  EXPECT_EQ(client({"X-Forwarded-For: junk"}, "198.51.100.1"), "198.51.100.1:4711");
  settings = {};
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1"}), "127.0.0.1:4711");
}

TEST_F(ForwardingTest, TrustedProxiesAre) {
  EXPECT_EQ(client({}), "127.0.0.1:4711");
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1:99"}), "192.0.2.1:99");
  EXPECT_EQ(client({"Forwarded: for=\"[2001:db8::1]:99\""}), "[2001:db8::1]:99");
  EXPECT_EQ(client({"x-forwarded-for: ::ffff:192.0.2.1"}), "192.0.2.1:0");
  const sockaddr local{AF_UNIX, {}};
  EXPECT_EQ(client_of({"X-Forwarded-For: 192.0.2.1"}, net::Address(local, sizeof local)), "192.0.2.1:0");
}

TEST_F(ForwardingTest, WhatStandsBeforeTheFirstStrangerIsHisOwnInvention) {
  EXPECT_EQ(client({"X-Forwarded-For: 127.0.0.1, 192.0.2.1"}), "192.0.2.1:0");
  EXPECT_EQ(client({"X-Forwarded-For: 127.0.0.1, 192.0.2.1, 10.1.1.1"}), "192.0.2.1:0");
  EXPECT_EQ(client({"X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 10.1.1.1"}),
            "192.0.2.1:0");
  EXPECT_EQ(client({"Forwarded: for=127.0.0.1, for=192.0.2.1;proto=https, for=10.1.1.1"}), "192.0.2.1:0");
  EXPECT_EQ(client({"X-Forwarded-For: 10.1.1.1"}), "10.1.1.1:0") << "a proxy that asks for itself";
}

TEST_F(ForwardingTest, WhoIsNotKnownIsNobody) {
  EXPECT_EQ(client({"X-Forwarded-For: 127.0.0.1, unknown"}), "unknown");
  EXPECT_EQ(client({"Forwarded: for=127.0.0.1, for=_secret"}), "unknown");
  EXPECT_EQ(client({"Forwarded: for=127.0.0.1, proto=https"}), "unknown");
  EXPECT_EQ(client({"X-Forwarded-For: 999.1.1.1"}), "unknown");
}

TEST_F(ForwardingTest, TwoFieldsAreOneTooMany) {
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.2"}), "refused");
  EXPECT_EQ(refusal, Refusal::kTwoForwarded);
  settings.field = ForwardedField::kForwarded;
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.2"}), "192.0.2.2:0");
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1"}), "127.0.0.1:4711");
  settings.field = ForwardedField::kXForwardedFor;
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1", "Forwarded: junk"}), "192.0.2.1:0");
  settings.field = ForwardedField::kNone;
  EXPECT_EQ(client({"X-Forwarded-For: 192.0.2.1", "Forwarded: junk"}), "127.0.0.1:4711");
}

TEST_F(ForwardingTest, NonsenseIsRefused) {
  EXPECT_EQ(client({"X-Forwarded-For: host.example"}), "refused");
  EXPECT_EQ(refusal, Refusal::kMalformedForwarded);
  EXPECT_EQ(client({"Forwarded: for=192.0.2.1 for=192.0.2.2"}), "refused");
}

TEST(ForwardedFieldTest, HasANameOfFour) {
  EXPECT_EQ(parse_forwarded_field("x-forwarded-for"), ForwardedField::kXForwardedFor);
  EXPECT_EQ(parse_forwarded_field("Forwarded"), ForwardedField::kForwarded);
  EXPECT_EQ(parse_forwarded_field("either"), ForwardedField::kEither);
  EXPECT_EQ(parse_forwarded_field("none"), ForwardedField::kNone);
  EXPECT_THROW(static_cast<void>(parse_forwarded_field("X-Real-IP")), ConfigError);
}

}  // namespace
}  // namespace httpd::server
