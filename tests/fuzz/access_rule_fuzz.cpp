// Fuzz target: the lines of access, and lists of hosts. SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <httpd/module.h>

#include "net/address.h"
#include "require.h"
#include "server/access/hosts.h"
#include "server/access/rules.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using httpd::fuzz::require;
  using namespace httpd::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const AccessRule rule = AccessRule::parse(text);
    // An address that is in neither list, and one of which nobody knows where it is.
    Policy policy;
    policy.allow = rule.allow;
    policy.deny = rule.deny;
    if (rule.allow || rule.deny) require(!policy.admits(httpd::net::Address()));
    require(rule.root.empty() || (rule.root.front() != '/' && rule.root.back() != '/'));
  } catch (const httpd::ConfigError& error) {
    require(std::string_view(error.what()).find("good line") != std::string_view::npos);
  }
  try {
    Hosts hosts;
    hosts.add(text);
    require(!hosts.empty() && !hosts.contain(""));
  } catch (const httpd::ConfigError&) {
  }
  return 0;
}
