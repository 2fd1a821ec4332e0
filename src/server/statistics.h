// The server's counters. They may lie in memory that several processes share.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpd::server {

/// Written by the HTTPD process alone, read by any.
class Statistics {
 public:
  enum Counter : std::size_t {
    kAcceptedConnections,
    kOpenConnections,
    kRequests,
    kReplies2xx,
    kReplies3xx,
    kReplies4xx,
    kReplies5xx,
    kAuthFailures,
    kTimeouts,
    kAcceptFailures,
    kConnectionRefusals,
    kRateRefusals,
    kAccessRefusals,
    kAuthThrottled,
    kTlsHandshakes,
    kTlsResumed,
    kTlsFailures,
    kBytesReceived,
    kBytesSent,
    kBusyWorkers,
    kQueuedRequests,
    kQueueRefusals,
    kHandlerTimeouts,
    kHandlerDeaths,
    kCompressedReplies,
    kCompressionBytesIn,
    kCompressionBytesOut,
    kCounters
  };
  struct Description {
    std::string_view name;  ///< as get_statistics gives it, in the group "httpd"
    bool incremental;       ///< false for what also falls
  };
  [[nodiscard]] static const std::array<Description, kCounters>& descriptions() noexcept;

  /// One writer: a plain store is enough, and costs no bus lock.
  void add(Counter counter, std::uint64_t amount = 1) noexcept {
    values_[counter].store(value(counter) + amount, std::memory_order_relaxed);
  }
  void subtract(Counter counter, std::uint64_t amount = 1) noexcept {
    values_[counter].store(value(counter) - amount, std::memory_order_relaxed);
  }
  void set(Counter counter, std::uint64_t value) noexcept {
    values_[counter].store(value, std::memory_order_relaxed);
  }
  void count_reply(int status) noexcept;
  [[nodiscard]] std::uint64_t value(Counter counter) const noexcept {
    return values_[counter].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCounters> values_{};
};

}  // namespace httpd::server
