// A request that the HTTPD process has handed on, or is about to.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <httpd/reply.h>

#include "net/timer_wheel.h"
#include "process/request_queue.h"
#include "server/exchange.h"
#include "server/request_board.h"

namespace httpd::process {

class RemoteStream;
class RemoteWorker;

/// One request from dispatch() on, until its client has the whole reply, or is gone, and its handler has
/// returned.
class Job final : public RequestQueue::Item, private net::Timer {
 public:
  /// Told what happens to a job by itself.
  class Owner {
   public:
    /// The time that was set by start_timer() is over.
    virtual void on_overdue(Job& job) = 0;

   protected:
    ~Owner() = default;
  };

  enum class State : std::uint8_t {
    kWaiting,    // in the queue
    kRunning,    // its handler has it
    kKept,       // its handler has returned and keeps the reply
    kStreaming,  // the body comes piece by piece
  };

  explicit Job(Owner& owner) noexcept : owner_(owner) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() override = default;

  void begin(std::uint64_t number, server::Exchange& request, Reply reply) noexcept;
  void end() noexcept;

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  /// True while somebody waits for the head of the reply; request() is there as long.
  [[nodiscard]] bool has_client() const noexcept { return reply_.has_value(); }
  [[nodiscard]] server::Exchange& request() noexcept { return *request_; }
  [[nodiscard]] Reply& reply() noexcept { return *reply_; }
  /// The client needs no answer any more. An unsent reply must not be let go in any other way.
  void forget_client() noexcept;

  void start_timer(net::EventLoop& loop, net::Duration limit) noexcept;
  void stop_timer() noexcept { cancel(); }

  State state = State::kWaiting;
  net::TimePoint since{};          // when it began to wait, or its handler began
  RemoteWorker* worker = nullptr;  // once it does not wait any more
  RemoteStream* stream = nullptr;  // while the connection may read from it
  std::size_t shown = server::RequestBoard::kNone;

 private:
  void on_timer() override { owner_.on_overdue(*this); }

  Owner& owner_;
  std::uint64_t id_ = 0;
  server::Exchange* request_ = nullptr;
  std::optional<Reply> reply_;
};

/// All jobs of a pool, with their memory kept for later ones.
class JobTable {
 public:
  /// `owner` must outlive the jobs.
  explicit JobTable(Job::Owner& owner) noexcept : owner_(owner) {}

  /// A job with an id that none had before. Throws std::bad_alloc.
  Job& begin(server::Exchange& request, Reply reply);
  void end(Job& job) noexcept;
  /// The job with this id; null when it has ended.
  [[nodiscard]] Job* find(std::uint64_t id) noexcept;
  /// Calls `visit(job)` for each; `visit` may end the job that it is given.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (Job& job : jobs_)
      if (job.id() != 0) visit(job);
  }

 private:
  Job::Owner& owner_;
  std::deque<Job> jobs_;
  std::vector<std::uint32_t> free_;
  std::uint32_t generation_ = 0;
};

}  // namespace httpd::process
