// The handler processes as one place to have requests answered.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <httpd/log.h>

#include "http/refusal.h"
#include "net/event_loop.h"
#include "process/job.h"
#include "process/meeting_point.h"
#include "process/message.h"
#include "process/remote_stream.h"
#include "process/remote_worker.h"
#include "process/request_queue.h"
#include "server/dispatcher.h"
#include "server/log_throttle.h"
#include "server/refusal_history.h"
#include "server/request_board.h"
#include "server/request_statistics.h"
#include "server/settings.h"
#include "server/statistics.h"

namespace httpd::process {

/// In the HTTPD process: hands each request to a handler process that is free, keeps those that must wait in
/// order, and has an answer for each whatever becomes of the handler process:
///
/// * 503 with Retry-After when too many wait, or one has waited for handler_timeout;
/// * 504 when the handler takes longer than handler_timeout;
/// * 502 when the handler process ends; a stream is cut.
///
/// Must outlive the server that dispatches to it.
class WorkerPool final : public server::Dispatcher,
                         private Job::Owner,
                         private RemoteWorker::Owner,
                         private RemoteStream::Owner {
 public:
  /// What it works with; all must outlive it.
  struct Surroundings {
    net::EventLoop& loop;
    const server::Settings& settings;
    const server::Router& router;
    server::RequestBoard& board;
    server::Statistics& statistics;
    server::RequestStatistics* requests;  ///< null: times are not counted
    server::RefusalHistory* refusals;     ///< null: nobody looks
    Log& log;
  };

  /// Takes the handler processes that come to `meeting_point`, which must outlive the pool. Throws
  /// std::system_error, or std::runtime_error where the limit of open files is too low for so many.
  WorkerPool(const Surroundings& surroundings, MeetingPoint& meeting_point);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// The descriptors that the pool may need beside those of connections, for so many handler processes.
  [[nodiscard]] static std::size_t descriptors(std::size_t workers) noexcept { return 2 * workers + 32; }

  void dispatch(server::Exchange& request, Reply reply) override;
  /// True when there is no handler process, or all have been in their handlers for stuck_timeout.
  [[nodiscard]] bool is_stuck() const noexcept override;
  [[nodiscard]] std::vector<Worker> workers() const override;

  /// The settings have changed: max_queue and max_root_workers hold from now on, handler_timeout for requests
  /// that come.
  void change_limits();

  /// What becomes of the requests that wait when the end has begun.
  enum class Waiting : std::uint8_t {
    kServed,  ///< for as long as there is a handler process; no new ones are expected
    kRefused  ///< with a 503, for a host in which handlers find nothing any more that would answer them
  };
  /// The end of this process has begun.
  void drain(Waiting waiting);

 private:
  // What comes from elsewhere
  void on_overdue(Job& job) override;
  void on_client_gone(Job& job);
  void on_room(RemoteWorker& worker) override;
  void on_message(RemoteWorker& worker, Incoming& message) override;
  void on_gone(RemoteWorker& worker, bool untouched) override;
  std::span<char> buffer() noexcept override { return *buffer_; }
  void on_pull(Job& job) override;
  void on_stream_dropped(Job& job) noexcept override;

  // Towards the handler processes
  void on_message_checked(RemoteWorker& worker, Incoming& message);
  void meet(Arrival arrival);
  [[nodiscard]] RemoteWorker* idle_worker() noexcept;
  void hand_on();
  [[nodiscard]] bool start(Job& job, RemoteWorker& worker);
  [[nodiscard]] SendResult send(Job& job, RemoteWorker& worker) noexcept;
  void place(Job& job);
  void wait(Job& job);
  void take_back(Job& job) noexcept;

  // Towards the clients
  void on_returned(RemoteWorker& worker, Job& job);
  void on_reply(Job& job, Incoming& message);
  void on_piece(Job& job, const Incoming& message);
  void send_body(Job& job, Incoming& message);
  void keep(Job& job);
  void let_go(Job& job);
  void refuse(Job& job, http::Refusal refusal);
  void refuse_hopeless();
  void end(Job& job) noexcept;
  void show(Job& job, server::RequestBoard::State state) noexcept;
  void count() noexcept;
  void count_handler(const Job& job) noexcept;
  void count_queue(const Job& job) noexcept;

  net::EventLoop& loop_;
  const server::Settings& settings_;
  server::RequestBoard& board_;
  server::Statistics& statistics_;
  server::RequestStatistics* requests_;
  server::RefusalHistory* refusals_;
  Log& log_;
  server::LogThrottle throttle_;
  RequestQueue queue_;
  JobTable jobs_;
  std::vector<std::unique_ptr<RemoteWorker>> workers_;
  MeetingPoint& meeting_point_;
  std::unique_ptr<std::array<char, kMessageSize>> buffer_;
  std::optional<Waiting> ending_;
};

}  // namespace httpd::process
