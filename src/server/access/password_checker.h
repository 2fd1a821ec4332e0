// Hashing of passwords beside the event loop. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "net/event_loop.h"
#include "net/secret_memory.h"
#include "server/access/client_key.h"

namespace httpd::server {

/// Compares passwords with the hashes of crypt(3), which is to take long: a tenth of a second and more, in
/// which no other client must wait. A thread of its own does it, one password at a time; it exists once the
/// first is to be compared, and shares nothing with the rest of the process but the queue. The end does not
/// wait for it.
class PasswordChecker final : private net::EventHandler {
 public:
  static constexpr std::size_t kMaxWaiting = 64;
  static constexpr std::size_t kMaxOfClient = 4;  // so that no address has the queue for itself

  enum class Result : std::uint8_t {
    kRight,
    kWrong,
    kFailed  ///< the system had no memory for it
  };

  /// One comparison. When nobody else holds it any more, it is forgotten, and `done` not called.
  class Job {
   public:
    /// `client`: who asks for it. Throws std::bad_alloc.
    Job(ClientKey client, std::string_view password, std::string_view hash,
        std::function<void(Result result)> done);

   private:
    friend class PasswordChecker;
    ClientKey client_;
    net::SecretBytes password_;  // with a NUL behind it
    net::SecretBytes hash_;      // likewise
    std::function<void(Result)> done_;
    Result result_ = Result::kFailed;
  };

  /// `loop` must outlive it.
  explicit PasswordChecker(net::EventLoop& loop) noexcept : loop_(loop) {}
  PasswordChecker(const PasswordChecker&) = delete;
  PasswordChecker& operator=(const PasswordChecker&) = delete;
  ~PasswordChecker();

  /// Compares, and calls the job's `done`, which must not throw, in a later turn of the loop. False when too
  /// many wait, of this client or in all, or the system gives no thread.
  [[nodiscard]] bool submit(const std::shared_ptr<Job>& job) noexcept;

 private:
  struct Shared;
  void on_events(std::uint32_t events) override;
  bool start();
  static void work(Shared& shared) noexcept;
  static void hash(Shared& shared, Job& job) noexcept;

  net::EventLoop& loop_;
  // Shared with the thread, which may be in the middle of a hash when this ends.
  std::shared_ptr<Shared> shared_;
};

}  // namespace httpd::server
