// Lists of those who connect: networks, and the Unix domain. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "net/network.h"

namespace httpd::server {

/// As administrators write them: "10.0.0.0/8, ::1, unix".
class Peers {
 public:
  /// Appends a list. Throws ConfigError for what is neither an address, nor a network, nor "unix".
  void add(std::string_view list);
  /// False for an address that nobody knows (AF_UNSPEC).
  [[nodiscard]] bool contains(const net::Address& address) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return networks_.empty() && !unix_; }
  /// True for the same list in the same order.
  [[nodiscard]] bool operator==(const Peers& other) const noexcept = default;

 private:
  std::vector<net::Network> networks_;
  bool unix_ = false;
};

}  // namespace httpd::server
