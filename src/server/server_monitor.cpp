// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/server_monitor.h"

#include <algorithm>
#include <utility>

#include "http/escape.h"
#include "net/tls_credentials.h"
#include "server/server.h"

namespace httpd::server {
namespace {

constexpr std::string_view kGroup = "httpd:";

Monitor::Times times_of(const Histogram& histogram) {
  Monitor::Times times{Histogram::kBounds, {}, std::chrono::nanoseconds(histogram.nanoseconds.value())};
  times.counts.reserve(histogram.places.size());
  for (const Counter& place : histogram.places)
    times.counts.push_back(place.value());
  return times;
}

Monitor::Request request_of(RequestBoard::Entry entry) {
  return {std::move(entry.root),
          std::move(entry.request),
          std::move(entry.client),
          RequestBoard::name(entry.state),
          entry.since,
          entry.process};
}

}  // namespace

ServerMonitor::ServerMonitor(Statistics& statistics, const RequestBoard& board, const Router& router)
    : board_(board), router_(router) {
  list_statistics(statistics, list_);
  for (NamedStatistic& statistic : list_)
    statistic.name.insert(0, kGroup);
  for (std::size_t i = 0; i < http::kRefusals; ++i)
    refusal_names_.push_back(std::string(kGroup) + "refusals_" +
                             std::string(http::describe(static_cast<http::Refusal>(i)).name));
}

void ServerMonitor::begin(Server& server, const RequestStatistics& requests) {
  root_names_ = root_names(router_);
  requests_ = &requests;
  server_ = &server;
  server.keep_refusals(refusals_);
}

std::vector<Monitor::Statistic> ServerMonitor::statistics() const {
  std::vector<Statistic> statistics;
  statistics.reserve(list_.size());
  for (const NamedStatistic& statistic : list_)
    statistics.push_back(
        {statistic.name, statistic.view.value(), statistic.view.total(), statistic.view.incremental});
  return statistics;
}

std::vector<Monitor::Root> ServerMonitor::roots() const {
  std::vector<Root> roots;
  if (server_ == nullptr) return roots;
  for (const Route& route : router_.routes()) {
    const RootStatistics& counted = requests_->of(&route);
    Root root{route.root, route.module, root_names_[route.index], {}, times_of(counted.handler_time)};
    for (const auto& of_method : counted.requests)
      for (std::size_t status_class = 0; status_class < root.replies.size(); ++status_class)
        root.replies[status_class] += of_method[status_class].value();
    roots.push_back(std::move(root));
  }
  return roots;
}

std::vector<Monitor::Request> ServerMonitor::requests() const {
  std::vector<Request> requests;
  if (server_ == nullptr) return requests;
  for (RequestBoard::Entry& entry : board_.entries())
    requests.push_back(request_of(std::move(entry)));
  return requests;
}

std::vector<Monitor::Worker> ServerMonitor::workers() const {
  std::vector<Worker> workers;
  if (server_ == nullptr || server_->dispatcher() == nullptr) return workers;
  std::vector<RequestBoard::Entry> entries = board_.entries();
  const net::TimePoint now = std::chrono::steady_clock::now();
  for (const Dispatcher::Worker& there : server_->dispatcher()->workers()) {
    Worker& worker = workers.emplace_back(Worker{there.number, there.process, {}, {}});
    if (there.root.empty()) continue;
    const auto its = std::ranges::find_if(entries, [&](const RequestBoard::Entry& entry) {
      return entry.process == there.process &&
             (entry.state == RequestBoard::State::kRunning || entry.state == RequestBoard::State::kOverdue);
    });
    // The board has not the place for all.
    worker.request = its != entries.end() ? std::move(its->request) : "/" + std::string(there.root);
    worker.age = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(now - there.since),
                          std::chrono::milliseconds::zero());
  }
  return workers;
}

std::vector<Monitor::Client> ServerMonitor::clients(std::size_t most) const {
  return server_ == nullptr ? std::vector<Client>() : server_->clients(most);
}

std::vector<Monitor::Certificate> ServerMonitor::certificates() const {
  std::vector<Certificate> certificates;
  if (server_ == nullptr || server_->tls_credentials() == nullptr) return certificates;
  for (const net::TlsCredentials::Certificate& certificate : server_->tls_credentials()->certificates())
    certificates.push_back({certificate.file, certificate.subject, certificate.names, certificate.not_after});
  return certificates;
}

std::vector<Monitor::Refusal> ServerMonitor::refusals() const {
  std::vector<Refusal> refusals;
  for (const RefusalHistory::Entry& entry : refusals_.entries()) {
    const http::RefusalInfo& info = http::describe(entry.refusal);
    refusals.push_back({entry.time, entry.client.text(), http::escape_for_log(entry.request.view()),
                        info.status, info.reason, info.parameter,
                        refusal_names_[static_cast<std::size_t>(entry.refusal)]});
  }
  return refusals;
}

bool ServerMonitor::is_draining() const noexcept {
  return server_ != nullptr && server_->closing();
}

}  // namespace httpd::server
