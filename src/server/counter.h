// A number that one process counts and any process may read. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>

namespace httpd::server {

/// For memory that several processes share. The HTTPD process alone counts: a plain store is enough, and
/// costs no bus lock. Any process may reset it, which leaves the number itself alone.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept { set(value() + amount); }
  void subtract(std::uint64_t amount = 1) noexcept { set(value() - amount); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Since the host's start.
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }
  /// Since the last reset(). Of something that only grows.
  [[nodiscard]] std::uint64_t since_reset() const noexcept {
    // In this order: a reset in between would make less than nothing of it.
    const std::uint64_t base = base_.load(std::memory_order_acquire);
    return value() - base;
  }
  void reset() noexcept { base_.store(value(), std::memory_order_release); }

 private:
  std::atomic<std::uint64_t> value_{0};
  std::atomic<std::uint64_t> base_{0};
};

}  // namespace httpd::server
