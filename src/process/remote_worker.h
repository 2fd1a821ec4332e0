// A handler process as the HTTPD process sees it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <sys/types.h>

#include "net/event_loop.h"
#include "process/meeting_point.h"
#include "process/message.h"

namespace httpd::process {

class Job;

/// The way to one handler process: requests go there, and replies come back. That it has ended is known from
/// the process itself, too, since a copy of it that a handler has forked keeps its socket open.
class RemoteWorker final : private net::EventHandler {
 public:
  class Owner {
   public:
    virtual void on_message(RemoteWorker& worker, Incoming& message) = 0;
    /// The process is gone, or cannot be talked to; the worker is to be destroyed. `untouched`: it has not
    /// taken the request that was sent last, which is `running`.
    virtual void on_gone(RemoteWorker& worker, bool untouched) = 0;
    /// A request can be sent to it again, after send() said kBlocked.
    virtual void on_room(RemoteWorker& worker) = 0;
    /// A buffer of kMessageSize bytes that several may share.
    virtual std::span<char> buffer() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  /// `loop` and `owner` must outlive it. Throws std::system_error.
  RemoteWorker(net::EventLoop& loop, Owner& owner, Arrival arrival);
  RemoteWorker(const RemoteWorker&) = delete;
  RemoteWorker& operator=(const RemoteWorker&) = delete;
  ~RemoteWorker();

  /// Its number among the handler processes, from 1.
  [[nodiscard]] unsigned number() const noexcept { return index_ + 1; }
  [[nodiscard]] pid_t process() const noexcept { return process_; }
  /// No handler runs in it, and a request can be sent.
  [[nodiscard]] bool idle() const noexcept { return running == nullptr && usable_; }

  /// Sends a request. kBlocked: on_room() is called when it goes again; kGone: on_gone() will be called. It
  /// is not idle() meanwhile.
  [[nodiscard]] SendResult send(const Outgoing& request);
  /// Sends a message without a payload; where the socket is full, later.
  void send_control(Header::Kind kind, std::uint64_t id) noexcept;

  Job* running = nullptr;  // whose handler has not returned

 private:
  /// The end of the process.
  class Death final : public net::EventHandler, public net::Task {
   public:
    explicit Death(RemoteWorker& worker) noexcept : worker_(worker) {}
    void on_events(std::uint32_t /*events*/) override { worker_.on_death(); }
    void run() override { worker_.on_events(EPOLLIN); }

   private:
    RemoteWorker& worker_;
  };

  void on_events(std::uint32_t events) override;
  void on_death();
  void watch(std::uint32_t events) noexcept;
  void send_pending();

  net::EventLoop& loop_;
  Owner& owner_;
  std::uint32_t index_;
  pid_t process_;
  net::UniqueFd socket_;
  net::UniqueFd life_;  // a pidfd; none where the kernel has none (before Linux 5.3)
  Death death_{*this};
  std::deque<Header> pending_;
  bool usable_ = true;
  bool dead_ = false;              // the process; what it has said is still to be heard
  bool request_was_last_ = false;  // of the messages sent
  bool untouched_ = false;         // it, by a process that is gone
};

}  // namespace httpd::process
