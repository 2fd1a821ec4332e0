// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/context.h"

#include <algorithm>

namespace httpd::server {
namespace {
constexpr std::size_t kSpareExchanges = 64;
constexpr std::size_t kOutputReserve = 64 * 1024;
constexpr std::size_t kOutputKept = 256 * 1024;
}  // namespace

Context::Context(net::EventLoop& event_loop, const Settings& all_settings, const Router& all_routes,
                 Log& host_log, Statistics& counters)
    : loop(event_loop),
      settings(all_settings),
      router(all_routes),
      log(host_log),
      statistics(counters),
      admission(all_settings, event_loop),
      access(all_settings.access, all_routes, admission, event_loop, counters),
      compression(all_settings.compression, all_routes, event_loop, counters),
      handler_log(host_log, event_loop),
      read_buffer(kReadBufferSize) {
  output.reserve(kOutputReserve);
  spare_.reserve(kSpareExchanges);
}

Context::~Context() {
  // One at a time: what a handler left with one of them may let go of another.
  while (!orphans_.empty()) {
    const std::unique_ptr<Exchange> orphan = std::move(orphans_.back());
    orphans_.pop_back();
    orphan->end();
  }
}

std::unique_ptr<Exchange> Context::take_exchange() {
  if (spare_.empty()) return std::make_unique<Exchange>(settings.limits);
  std::unique_ptr<Exchange> exchange = std::move(spare_.back());
  spare_.pop_back();
  return exchange;
}

void Context::on_reply_finished(Exchange& exchange) noexcept {
  const auto found = std::ranges::find(orphans_, &exchange, &std::unique_ptr<Exchange>::get);
  if (found == orphans_.end()) return;
  std::unique_ptr<Exchange> orphan = std::move(*found);
  orphans_.erase(found);
  give_back(std::move(orphan));
}

Context::Turn::~Turn() {
  if (output_.capacity() > kOutputKept) {
    std::string().swap(output_);  // assigning it would keep the memory
  } else {
    output_.clear();
  }
}

void Context::give_back(std::unique_ptr<Exchange> exchange) noexcept {
  if (exchange->is_held()) {
    exchange->orphan(*this, loop, log);
    orphans_.push_back(std::move(exchange));
    return;
  }
  exchange->end();
  if (spare_.size() < kSpareExchanges) spare_.push_back(std::move(exchange));
}

}  // namespace httpd::server
