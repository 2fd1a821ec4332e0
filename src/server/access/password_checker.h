// Hashing of passwords beside the event loop. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <sys/types.h>
#include <thread>

#include "net/event_loop.h"
#include "net/secret_memory.h"
#include "net/unique_fd.h"

namespace httpd::server {

/// Compares passwords with the hashes of crypt(3), which is to take long: a tenth of a second and more, in
/// which no other client must wait. A thread of its own does it, one password at a time; it exists once the
/// first is to be compared, and shares nothing with the rest of the process but the queue.
class PasswordChecker final : private net::EventHandler {
 public:
  static constexpr std::size_t kMaxWaiting = 64;

  /// One comparison. Destroyed before it is done, it is forgotten, and `done` not called.
  class Job {
   public:
    Job(std::string_view password, std::string_view hash, std::function<void(bool is_right)> done);

   private:
    friend class PasswordChecker;
    net::SecretBytes password_;  // with a NUL behind it
    net::SecretBytes hash_;      // likewise
    std::function<void(bool)> done_;
    bool is_right_ = false;
  };

  /// `loop` must outlive it.
  explicit PasswordChecker(net::EventLoop& loop) noexcept : loop_(loop) {}
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;
  ~PasswordChecker();

  /// Compares, and calls the job's `done` in a later turn of the loop, if the job is there by then. False
  /// when too many wait, or the system gives no thread.
  [[nodiscard]] bool submit(const std::shared_ptr<Job>& job) noexcept;

 private:
  // Shared, since neither the loop nor the thread knows how long the other needs a job: whoever asked for it
  // holds the only other reference.
  using Jobs = std::deque<std::shared_ptr<Job>>;

  void on_events(std::uint32_t events) override;
  bool start();
  void work() noexcept;

  net::EventLoop& loop_;
  net::UniqueFd signal_;  // an eventfd: something is done
  pid_t process_ = 0;     // whose thread it is
  std::thread thread_;
  std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  Jobs waiting_;
  Jobs done_;
  bool ending_ = false;
};

}  // namespace httpd::server
