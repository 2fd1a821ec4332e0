// The names that a server answers to: the parameter allowed_hosts.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace httpd::server {

/// A page that has its own name resolved to this server's address (DNS rebinding) is of the same origin for
/// the browser; only the Host of its requests gives it away.
class Hosts {
 public:
  /// Appends a list such as "mi.example, *.voip.example, 10.0.0.1:8888, [::1]". Throws ConfigError.
  void add(std::string_view list);
  [[nodiscard]] bool empty() const noexcept { return hosts_.empty(); }
  /// `authority`: of a request, "" where it has none. A host that is listed without a port has any.
  [[nodiscard]] bool contain(std::string_view authority) const noexcept;
  /// True for the same list in the same order.
  [[nodiscard]] bool operator==(const Hosts& other) const noexcept = default;

 private:
  struct Host {
    std::string name;  // of a wildcard what follows the '*'
    int port = -1;     // -1: any
    bool is_wildcard = false;
    [[nodiscard]] bool operator==(const Host& other) const noexcept = default;
  };
  std::vector<Host> hosts_;
};

}  // namespace httpd::server
