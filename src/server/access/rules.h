// The `access` lines of a configuration: who may use which root path.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "server/access/peers.h"
#include "server/router.h"

namespace httpd::server {

/// The origins of pages (RFC 6454) that may use a root path from a browser.
class Origins {
 public:
  /// Appends a list such as "https://console.example:8443, http://localhost:3000"; "*" is any origin. Throws
  /// ConfigError.
  void add(std::string_view list);
  [[nodiscard]] bool any() const noexcept { return any_; }
  [[nodiscard]] bool empty() const noexcept { return !any_ && origins_.empty(); }
  /// `origin` as the field has it; "null" is in no list but "*".
  [[nodiscard]] bool contains(std::string_view origin) const noexcept;
  /// True for the same list in the same order.
  [[nodiscard]] bool operator==(const Origins& other) const noexcept = default;

 private:
  std::vector<std::string> origins_;
  bool any_ = false;
};

/// What one line says; what it does not say comes from the lines of shorter roots, and from those without
/// one.
struct AccessRule {
  std::string root;  ///< without slashes at its ends; "" for every root
  std::optional<Peers> allow;
  std::optional<Peers> deny;
  std::optional<bool> auth;
  std::optional<std::vector<std::string>> users;
  std::optional<bool> client_cert;
  std::optional<Origins> cors_origins;
  std::optional<bool> cross_site;

  /// Reads "root=metrics; allow=10.0.0.0/8,::1; auth=off". Throws ConfigError, which names the key.
  static AccessRule parse(std::string_view text);
  [[nodiscard]] bool operator==(const AccessRule& other) const noexcept = default;
};

/// What holds for one root path.
struct Policy {
  std::optional<Peers> allow;                     ///< who is not in it is refused
  std::optional<Peers> deny;                      ///< who is in it is refused, whatever `allow` says
  bool auth = true;                               ///< credentials are needed, where any are configured
  std::optional<std::vector<std::string>> users;  ///< whose credentials are good here
  bool client_cert = false;                       ///< a verified TLS client certificate is needed
  Origins cors_origins;
  bool cross_site = true;  ///< requests that change nothing may come from pages of other sites

  [[nodiscard]] bool admits(const net::Address& client) const noexcept;
};

/// The rules by root path. Looking up is an index.
class Policies {
 public:
  /// Throws ConfigError when two lines of one root contradict each other. What a root says holds for the
  /// roots below it, too ("status" for "status/live"), unless these say otherwise.
  Policies(const std::vector<AccessRule>& rules, const Router& router);
  Policies(const Policies&) = delete;
  Policies& operator=(const Policies&) = delete;
  /// Policies that of() gave go with their rules.
  void swap(Policies& other) noexcept {
    policies_.swap(other.policies_);
    by_root_.swap(other.by_root_);
  }
  /// `route`: null for a path that no root owns.
  [[nodiscard]] const Policy& of(const Route* route) const noexcept;
  /// False for who is refused everywhere.
  [[nodiscard]] bool admits_somewhere(const net::Address& client) const noexcept;

 private:
  std::deque<Policy> policies_;         // the first one holds where no line names a root
  std::vector<const Policy*> by_root_;  // in the router's order; into policies_
};

/// Once all roots are registered: throws ConfigError for a line whose root is none of them, and no beginning
/// of one.
void check_rules(const std::vector<AccessRule>& rules, const Router& router);

}  // namespace httpd::server
