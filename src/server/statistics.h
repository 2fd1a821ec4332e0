// The server's counters. They may lie in memory that several processes share.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/refusal.h"
#include "server/counter.h"

namespace httpd::server {

/// Written by the HTTPD process alone, but for kAccessLogLost, which the process that writes the access log
/// counts, and it alone; read by any.
class Statistics {
 public:
  enum Name : std::size_t {
    kAcceptedConnections,
    kOpenConnections,
    kIdleConnections,
    kRequests,
    kRequestsInProgress,
    kRepliesInFlight,
    kBytesWaiting,
    kReplies2xx,
    kReplies3xx,
    kReplies4xx,
    kReplies5xx,
    kAuthFailures,
    kTimeouts,
    kIdleTimeouts,
    kHandshakeTimeouts,
    kSendTimeouts,
    kAcceptFailures,
    kConnectionRefusals,
    kRateRefusals,
    kAccessRefusals,
    kAuthThrottled,
    kTlsHandshakes,
    kTlsFull,
    kTlsResumed,
    kTlsFailures,
    kBytesReceived,
    kBytesSent,
    kWorkers,
    kBusyWorkers,
    kQueuedRequests,
    kQueueRefusals,
    kHandlerTimeouts,
    kHandlerDeaths,
    kAccessLogDrops,
    kAccessLogLost,
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

  void add(Name name, std::uint64_t amount = 1) noexcept { counters_[name].add(amount); }
  void subtract(Name name, std::uint64_t amount = 1) noexcept { counters_[name].subtract(amount); }
  void set(Name name, std::uint64_t value) noexcept { counters_[name].set(value); }
  void count_reply(int status) noexcept;
  void count_refusal(http::Refusal refusal) noexcept { this->refusal(refusal).add(); }
  /// For a process that begins to count: one that died left what also falls as it was.
  void clear_gauges() noexcept;

  [[nodiscard]] std::uint64_t value(Name name) const noexcept { return counters_[name].value(); }
  [[nodiscard]] Counter& counter(Name name) noexcept { return counters_[name]; }
  /// How often a request or a connection was refused for this reason.
  [[nodiscard]] Counter& refusal(http::Refusal refusal) noexcept {
    return refusals_[static_cast<std::size_t>(refusal)];
  }
  [[nodiscard]] const Counter& refusal(http::Refusal refusal) const noexcept {
    return refusals_[static_cast<std::size_t>(refusal)];
  }

 private:
  std::array<Counter, kCounters> counters_;
  std::array<Counter, http::kRefusals> refusals_;
};

}  // namespace httpd::server
