// Credentials that are not judged at once. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string_view>

#include "http/refusal.h"
#include "net/event_loop.h"
#include "net/secret_memory.h"
#include "server/access/access.h"

namespace httpd::server {

/// Credentials that take time: a turn to wait for, or a hash to make. Dropped with its connection.
class CredentialCheck final : private net::Timer {
 public:
  class Owner {
   public:
    /// done() is true now.
    virtual void on_credentials_checked() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  /// Looks at the credentials at once, unless the client has to `wait` for that.
  CredentialCheck(Access& access, std::string_view authorization, const net::Address& client,
                  net::Duration wait);
  CredentialCheck(const CredentialCheck&) = delete;
  CredentialCheck& operator=(const CredentialCheck&) = delete;

  /// For a check that is not done: tells `owner`, which must outlive it, once it is; perhaps before this
  /// returns.
  void start(Owner& owner);
  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  friend class Access;
  void on_timer() override;
  void hash();
  void on_hashed(PasswordChecker::Result result) noexcept;
  void count();
  void judge(bool is_right) noexcept;
  void give_up(http::Refusal refusal) noexcept;

  Access& access_;
  Owner* owner_ = nullptr;
  net::SecretBytes authorization_;  // of one who has to wait
  net::Address client_;
  std::shared_ptr<const Credentials> credentials_;  // that it is checked against
  Access::Finding finding_;
  std::shared_ptr<PasswordChecker::Job> job_;  // see PasswordChecker
  net::Duration wait_;
  http::Refusal refusal_ = http::Refusal::kNone;
  bool is_counted_ = false;  // as an attempt
  bool done_ = false;
};

}  // namespace httpd::server
