// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/credential_check.h"

#include <utility>

namespace httpd::server {

CredentialCheck::CredentialCheck(Access& access, std::string_view authorization, const net::Address& client,
                                 net::Duration wait)
    : access_(access), client_(client), credentials_(access.credentials_), wait_(wait) {
  if (wait > net::Duration::zero()) {
    authorization_.assign(authorization.begin(), authorization.end());
    return;
  }
  finding_ = access.look_at(authorization);
  if (finding_.look != Access::Look::kSlow) judge(finding_.look == Access::Look::kRight);
}

void CredentialCheck::start(Owner& owner) {
  owner_ = &owner;
  if (wait_ > net::Duration::zero()) return access_.loop_.arm(*this, wait_);
  hash();
}

void CredentialCheck::on_timer() {
  // The files may have been read again meanwhile, and only what is in them now is good.
  credentials_ = access_.credentials_;
  finding_ = access_.look_at({authorization_.data(), authorization_.size()});
  if (finding_.look == Access::Look::kSlow) return hash();
  judge(finding_.look == Access::Look::kRight);
  owner_->on_credentials_checked();
}

void CredentialCheck::hash() {
  job_ = std::make_shared<PasswordChecker::Job>(
      std::string_view(finding_.password.data(), finding_.password.size()), finding_.hash,
      [this](bool is_right) { on_hashed(is_right); });
  finding_.password = {};
  if (access_.checker_.submit(job_)) return;
  access_.attempts_.forgive(client_);
  done_ = true;
  refusal_ = http::Refusal::kTooManyChecks;
  owner_->on_credentials_checked();
}

void CredentialCheck::on_hashed(bool is_right) {
  const bool is_good = is_right && finding_.is_known;
  if (is_good && credentials_ == access_.credentials_) access_.remember(finding_.digest);
  judge(is_good);
  owner_->on_credentials_checked();
}

void CredentialCheck::judge(bool is_right) noexcept {
  done_ = true;
  if (is_right) {
    access_.attempts_.forgive(client_);
  } else {
    refusal_ = http::Refusal::kWrongCredentials;
  }
}

}  // namespace httpd::server
