// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/statistics.h"

namespace httpd::server {

const std::array<Statistics::Description, Statistics::kCounters>& Statistics::descriptions() noexcept {
  static constexpr std::array<Description, kCounters> kDescriptions{{
      {"accepted_connections", true},
      {"open_connections", false},
      {"idle_connections", false},
      {"requests", true},
      {"requests_in_progress", false},
      {"replies_in_flight", false},
      {"bytes_waiting", false},
      {"replies_2xx", true},
      {"replies_3xx", true},
      {"replies_4xx", true},
      {"replies_5xx", true},
      {"auth_failures", true},
      {"timeouts", true},
      {"idle_timeouts", true},
      {"handshake_timeouts", true},
      {"send_timeouts", true},
      {"accept_failures", true},
      {"connection_refusals", true},
      {"rate_refusals", true},
      {"access_refusals", true},
      {"auth_throttled", true},
      {"tls_handshakes", true},
      {"tls_full", true},
      {"tls_resumed", true},
      {"tls_failures", true},
      {"bytes_received", true},
      {"bytes_sent", true},
      {"workers", false},
      {"busy_workers", false},
      {"queued_requests", false},
      {"queue_refusals", true},
      {"handler_timeouts", true},
      {"handler_deaths", true},
      {"access_log_drops", true},
      {"access_log_lost", true},
      {"compressed_replies", true},
      {"compression_bytes_in", true},
      {"compression_bytes_out", true},
  }};
  return kDescriptions;
}

void Statistics::count_reply(int status) noexcept {
  switch (status / 100) {
    case 2:
      return add(kReplies2xx);
    case 3:
      return add(kReplies3xx);
    case 4:
      return add(kReplies4xx);
    default:
      return add(kReplies5xx);
  }
}

void Statistics::clear_gauges() noexcept {
  for (std::size_t i = 0; i < kCounters; ++i)
    if (!descriptions()[i].incremental) counters_[i].set(0);
}

}  // namespace httpd::server
