// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/metrics.h"

#include <array>
#include <string_view>
#include <utility>

namespace httpd::server {
namespace {

using Type = MetricFamily::Type;

/// Where a statistic stands. Those of one family follow each other; its first row describes it.
struct Row {
  Statistics::Name statistic;
  std::string_view family;
  Type type;
  std::string_view unit;
  std::string_view label;
  std::string_view label_value;
  std::string_view help;
};

constexpr std::array kRows = {
    Row{Statistics::kAcceptedConnections, "httpd_accepted_connections", Type::kCounter, "", "", "",
        "Connections that were accepted."},
    Row{Statistics::kOpenConnections, "httpd_open_connections", Type::kGauge, "", "", "",
        "Connections that are open."},
    Row{Statistics::kIdleConnections, "httpd_idle_connections", Type::kGauge, "", "", "",
        "Open connections on which no request has begun."},
    Row{Statistics::kRequestsInProgress, "httpd_requests_in_progress", Type::kGauge, "", "", "",
        "Requests that are with handlers, or wait for one."},
    Row{Statistics::kRepliesInFlight, "httpd_replies_in_flight", Type::kGauge, "", "", "",
        "Replies that are not yet sent to their end."},
    Row{Statistics::kBytesWaiting, "httpd_waiting_bytes", Type::kGauge, "bytes", "", "",
        "Bytes of replies that wait for their clients to take them."},
    Row{Statistics::kBytesReceived, "httpd_received_bytes", Type::kCounter, "bytes", "", "",
        "Bytes read from clients."},
    Row{Statistics::kBytesSent, "httpd_sent_bytes", Type::kCounter, "bytes", "", "",
        "Bytes that the system took for clients."},
    Row{Statistics::kIdleTimeouts, "httpd_connection_timeouts", Type::kCounter, "", "limit", "conn_timeout",
        "Connections ended by a time limit without a reply, by the parameter that moves it."},
    Row{Statistics::kSendTimeouts, "httpd_connection_timeouts", Type::kCounter, "", "limit", "send_timeout",
        ""},
    Row{Statistics::kHandshakeTimeouts, "httpd_connection_timeouts", Type::kCounter, "", "limit",
        "tls_handshake_timeout", ""},
    Row{Statistics::kAcceptFailures, "httpd_accept_failures", Type::kCounter, "", "", "",
        "Times when the system had no descriptor or memory for a new connection."},
    Row{Statistics::kTlsFull, "httpd_tls_handshakes", Type::kCounter, "", "result", "full",
        "TLS handshakes, by what became of them."},
    Row{Statistics::kTlsResumed, "httpd_tls_handshakes", Type::kCounter, "", "result", "resumed", ""},
    Row{Statistics::kTlsFailures, "httpd_tls_handshakes", Type::kCounter, "", "result", "failed", ""},
    Row{Statistics::kAuthFailures, "httpd_auth_failures", Type::kCounter, "", "", "",
        "Requests without the right credentials."},
    Row{Statistics::kAuthThrottled, "httpd_auth_throttled", Type::kCounter, "", "", "",
        "Attempts that had to wait, or were refused, after too many wrong ones."},
    Row{Statistics::kWorkers, "httpd_workers", Type::kGauge, "", "", "", "Handler processes that are there."},
    Row{Statistics::kBusyWorkers, "httpd_busy_workers", Type::kGauge, "", "", "",
        "Handler processes that run a handler."},
    Row{Statistics::kQueuedRequests, "httpd_queued_requests", Type::kGauge, "", "", "",
        "Requests that wait for a handler process."},
    Row{Statistics::kHandlerDeaths, "httpd_handler_deaths", Type::kCounter, "", "", "",
        "Requests whose handler process ended before it answered."},
    Row{Statistics::kAccessLogDrops, "httpd_access_log_lost_lines", Type::kCounter, "", "cause",
        "writer_slow", "Lines of the access log that nobody will read."},
    Row{Statistics::kAccessLogLost, "httpd_access_log_lost_lines", Type::kCounter, "", "cause",
        "target_failed", ""},
    Row{Statistics::kCompressedReplies, "httpd_compressed_replies", Type::kCounter, "", "", "",
        "Replies that were compressed, or began to be."},
    Row{Statistics::kCompressionBytesIn, "httpd_compression_input_bytes", Type::kCounter, "bytes", "", "",
        "Bytes of bodies before their compression."},
    Row{Statistics::kCompressionBytesOut, "httpd_compression_output_bytes", Type::kCounter, "bytes", "", "",
        "Bytes of bodies after their compression."},
};

void add_rows(const Statistics& statistics, std::vector<MetricFamily>& families) {
  for (const Row& row : kRows) {
    if (families.empty() || families.back().name != row.family)
      families.push_back({std::string(row.family), row.type, std::string(row.unit), std::string(row.help)});
    Metric metric;
    if (!row.label.empty()) metric.labels.emplace_back(row.label, row.label_value);
    metric.value = static_cast<double>(statistics.value(row.statistic));
    families.back().metrics.push_back(std::move(metric));
  }
}

MetricFamily refusals(const Statistics& statistics) {
  MetricFamily family{
      "httpd_refusals", Type::kCounter, "",
      "Requests and connections that were refused, by the reason and the parameter that moves it."};
  for (std::size_t i = 1; i < http::kRefusals; ++i) {
    const auto refusal = static_cast<http::Refusal>(i);
    const http::RefusalInfo& info = http::describe(refusal);
    Metric metric;
    metric.labels = {{"reason", std::string(info.name)},
                     {"parameter", std::string(info.parameter)},
                     {"status", std::to_string(info.status)}};
    metric.value = static_cast<double>(statistics.refusal(refusal).value());
    family.metrics.push_back(std::move(metric));
  }
  return family;
}

void add_requests(std::string_view root, const RootStatistics& counted, MetricFamily& family) {
  for (std::size_t place = 0; place < RootStatistics::kMethods; ++place) {
    const std::string_view method =
        place == RootStatistics::kOtherMethods ? "other" : method_name(static_cast<Method>(place));
    for (std::size_t status_class = 0; status_class < RootStatistics::kClasses; ++status_class) {
      const std::uint64_t count = counted.requests[place][status_class].value();
      if (count == 0) continue;
      Metric metric;
      metric.labels = {{"root", std::string(root)},
                       {"method", std::string(method)},
                       {"status", std::to_string(status_class + 2) + "xx"}};
      metric.value = static_cast<double>(count);
      family.metrics.push_back(std::move(metric));
    }
  }
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

void add_histogram(std::string_view root, const Histogram& histogram, MetricFamily& family) {
  Metric metric;
  metric.labels = {{"root", std::string(root)}};
  metric.value = seconds(std::chrono::nanoseconds(histogram.nanoseconds.value()));
  std::uint64_t sum = 0;
  for (const Counter& place : histogram.places)
    metric.cumulative.push_back(sum += place.value());
  family.metrics.push_back(std::move(metric));
}

MetricFamily histogram_family(std::string name, std::string help) {
  MetricFamily family{std::move(name), Type::kHistogram, "seconds", std::move(help)};
  for (const std::chrono::microseconds bound : Histogram::kBounds)
    family.bounds.push_back(seconds(bound));
  return family;
}

}  // namespace

std::vector<MetricFamily> metric_families(const Statistics& statistics, const RequestStatistics& requests,
                                          const Router& router, bool has_queue) {
  std::vector<MetricFamily> families;
  add_rows(statistics, families);
  families.push_back(refusals(statistics));
  MetricFamily answered{"httpd_requests", Type::kCounter, "",
                        "Requests that were answered, by root path, method and kind of status."};
  MetricFamily handler = histogram_family("httpd_handler_time_seconds",
                                          "Time from a handler's call to its reply, by root path.");
  MetricFamily queue = histogram_family("httpd_queue_time_seconds",
                                        "Time that requests waited for a handler process, by root path.");
  add_requests("", requests.of(nullptr), answered);
  for (const Route& route : router.routes()) {
    const RootStatistics& counted = requests.of(&route);
    add_requests(route.root, counted, answered);
    add_histogram(route.root, counted.handler_time, handler);
    add_histogram(route.root, counted.queue_time, queue);
  }
  families.push_back(std::move(answered));
  families.push_back(std::move(handler));
  if (has_queue) families.push_back(std::move(queue));
  return families;
}

}  // namespace httpd::server
