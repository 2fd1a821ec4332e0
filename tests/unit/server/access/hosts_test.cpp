// Tests of allowed_hosts. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/hosts.h"

#include <gtest/gtest.h>

#include <httpd/module.h>

namespace httpd::server {
namespace {

TEST(HostsTest, ContainWhatIsListed) {
  Hosts hosts;
  EXPECT_TRUE(hosts.empty());
  hosts.add("mi.example , *.voip.example:8443,10.0.0.1");
  hosts.add("[2001:db8::1]:8888");
  EXPECT_FALSE(hosts.empty());
  for (const char* const good :
       {"mi.example", "MI.Example", "mi.example.", "mi.example:1", "a.voip.example:8443",
        "a.b.voip.example:8443", "10.0.0.1:80", "[2001:db8::1]:8888"})
    EXPECT_TRUE(hosts.contain(good)) << good;
  for (const char* const bad : {"", "evil.example", "xmi.example", "mi.example.evil", "voip.example:8443",
                                ".voip.example:8443", "a.voip.example", "a.voip.example:8444", "10.0.0.10",
                                "[2001:db8::1]", "[2001:db8::2]:8888", "mi.example:99999", "mi.example/"})
    EXPECT_FALSE(hosts.contain(bad)) << bad;
}

TEST(HostsTest, APortThatIsLeftOutIsThatOfTheScheme) {
  Hosts hosts;
  hosts.add("a.example:80, b.example.:443");
  EXPECT_TRUE(hosts.contain("a.example"));
  EXPECT_TRUE(hosts.contain("b.example"));
  EXPECT_FALSE(hosts.contain("a.example:443"));
}

TEST(HostsTest, RefuseWhatIsNoHost) {
  for (const char* const bad :
       {"", "a,", "http://a.example", "a.example:x", "a b", "*", "*.", "a.*.example", "a:", "::1"})
    EXPECT_THROW(Hosts().add(bad), ConfigError) << bad;
}

}  // namespace
}  // namespace httpd::server
