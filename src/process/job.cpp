// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/job.h"

#include <utility>

#include "net/event_loop.h"

namespace httpd::process {

void Job::begin(std::uint64_t number, server::Exchange& request, Reply reply) noexcept {
  id_ = number;
  request_ = &request;
  set_route(*request.routed_to());
  reply_.emplace(std::move(reply));
}

void Job::end() noexcept {
  cancel();
  forget_client();
  id_ = 0;
  state = State::kWaiting;
  worker = nullptr;
  stream = nullptr;
  shown = server::RequestBoard::kNone;
}

void Job::forget_client() noexcept {
  reply_.reset();
  request_ = nullptr;
}

void Job::start_timer(net::EventLoop& loop, net::Duration limit) noexcept {
  if (limit == net::Duration::zero()) return cancel();
  loop.arm(*this, limit);
}

Job& JobTable::begin(server::Exchange& request, Reply reply) {
  if (free_.empty()) {
    free_.reserve(jobs_.size() + 1);  // so that end() cannot fail
    jobs_.emplace_back(owner_);
    free_.push_back(static_cast<std::uint32_t>(jobs_.size() - 1));
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  if (++generation_ == 0) ++generation_;
  Job& job = jobs_[index];
  job.begin(std::uint64_t{generation_} << 32U | index, request, std::move(reply));
  return job;
}

void JobTable::end(Job& job) noexcept {
  const auto index = static_cast<std::uint32_t>(job.id());
  job.end();
  free_.push_back(index);
}

Job* JobTable::find(std::uint64_t id) noexcept {
  const auto index = static_cast<std::uint32_t>(id);
  if (id == 0 || index >= jobs_.size()) return nullptr;
  Job& job = jobs_[index];
  return job.id() == id ? &job : nullptr;
}

}  // namespace httpd::process
