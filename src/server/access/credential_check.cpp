// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/credential_check.h"

#include <new>
#include <utility>

namespace httpd::server {

CredentialCheck::CredentialCheck(Access& access, std::string_view authorization, const net::Address& client,
                                 net::Duration wait)
    : access_(access), client_(client), credentials_(access.credentials_), wait_(wait) {
  if (wait > net::Duration::zero()) {
    authorization_.assign(authorization.begin(), authorization.end());
    count();
    return;
  }
  finding_ = access.look_at(authorization);
  if (finding_.look != Access::Look::kRight) count();
  if (finding_.look != Access::Look::kSlow) judge(finding_.look == Access::Look::kRight);
}

void CredentialCheck::start(Owner& owner) {
  owner_ = &owner;
  if (wait_ > net::Duration::zero()) return access_.loop_.arm(*this, wait_);
  hash();
}

void CredentialCheck::on_timer() {
  try {
    // The files may have been read again meanwhile, and only what is in them now is good.
    credentials_ = access_.credentials_;
    if (credentials_ == nullptr) {
      // The configuration was read again, and says that nobody is asked for any.
      give_up(access_.settings_.auth.configured() ? http::Refusal::kNoCredentials : http::Refusal::kNone);
      return owner_->on_credentials_checked();
    }
    finding_ = access_.look_at({authorization_.data(), authorization_.size()});
    if (finding_.look == Access::Look::kSlow) return hash();
    judge(finding_.look == Access::Look::kRight);
  } catch (const std::bad_alloc&) {
    give_up(http::Refusal::kOutOfResources);
  }
  owner_->on_credentials_checked();
}

void CredentialCheck::hash() {
  job_ = std::make_shared<PasswordChecker::Job>(
      ClientKey::of(client_), std::string_view(finding_.password.data(), finding_.password.size()),
      finding_.hash, [this](PasswordChecker::Result result) { on_hashed(result); });
  finding_.password = {};
  if (access_.checker_.submit(job_)) return;
  give_up(http::Refusal::kTooManyChecks);
  owner_->on_credentials_checked();
}

void CredentialCheck::on_hashed(PasswordChecker::Result result) noexcept {
  if (result == PasswordChecker::Result::kFailed) {
    give_up(http::Refusal::kOutOfResources);
  } else {
    const bool is_good = result == PasswordChecker::Result::kRight && finding_.is_known;
    if (is_good && credentials_ == access_.credentials_) access_.remember(finding_.digest);
    judge(is_good);
  }
  owner_->on_credentials_checked();
}

void CredentialCheck::count() {
  access_.attempts_.begin(client_);
  is_counted_ = true;
}

void CredentialCheck::judge(bool is_right) noexcept {
  done_ = true;
  if (!is_right) {
    refusal_ = http::Refusal::kWrongCredentials;
  } else if (is_counted_) {
    access_.attempts_.forgive(client_);
  }
}

/// Nobody knows whether they were right.
void CredentialCheck::give_up(http::Refusal refusal) noexcept {
  done_ = true;
  refusal_ = refusal;
  if (is_counted_) access_.attempts_.forgive(client_);
}

}  // namespace httpd::server
