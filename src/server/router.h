// Which handler a path belongs to.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/handler.h>

namespace httpd::server {

/// A root path and what serves it.
struct Route {
  std::string root;    ///< without slashes at its ends, e.g. "mi" or "status/live"
  std::string module;  ///< who registered it
  MethodSet methods;
  std::unique_ptr<Handler> handler;
  std::size_t index = 0;      ///< its place among all, in the order of registration
  bool never_blocks = false;  ///< the handler: it runs in the HTTPD process
  /// The value of the Allow field for this root (RFC 9110 section 10.2.1), less `without`.
  [[nodiscard]] std::string allow(const MethodSet& without = {}) const;
};

/// The table of roots. Filled at start, then only read. Looking a path up costs one hash look-up for each of
/// its segments that could end a root, however many roots there are.
class Router {
 public:
  /// Adds a root. White space around it is cut. Throws ConfigError when it is no root path (segments of
  /// [A-Za-z0-9_.~-] joined by '/', none of them "." or "..") or is taken already.
  void add(std::string_view module, std::string_view root, std::unique_ptr<Handler> handler);
  /// The route with the longest root that `path` (decoded, begins with '/') equals or continues with a '/';
  /// nullptr when there is none.
  [[nodiscard]] const Route* find(std::string_view path) const noexcept;
  /// In the order of registration.
  [[nodiscard]] const std::deque<Route>& routes() const noexcept { return routes_; }

 private:
  /// A place in table_; empty without a route.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t route = kEmpty;  // its index
  };
  static constexpr std::uint32_t kEmpty = 0xffff'ffff;

  [[nodiscard]] const Route* find_exactly(std::string_view root) const noexcept;
  void enter(const Route& route) noexcept;
  std::deque<Route> routes_;  // a deque, so that pointers to its elements stay good
  // Open addressing in a power of two of places, of which no more than half are taken: one line of the
  // processor's cache says which route it is, and one more that it is.
  std::vector<Slot> table_;
  std::size_t longest_ = 0;
};

}  // namespace httpd::server
