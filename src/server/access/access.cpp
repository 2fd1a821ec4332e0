// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/access.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "http/credentials.h"
#include "http/wipe.h"
#include "server/access/credential_check.h"
#include "server/access/cross_origin.h"

namespace httpd::server {
namespace {

constexpr std::size_t kMaxRemembered = 1024;
/// SHA-512-crypt takes longer for longer ones, and bcrypt looks at no more than 72 bytes.
constexpr std::size_t kLongestPassword = 128;

/// The host and port that a request is for; "" where it does not say.
std::string_view authority_of(const http::RequestHead& head) noexcept {
  if (!head.target.authority.empty()) return head.target.authority;
  for (const http::FieldLine& line : head.fields)
    if (line.id == http::FieldId::kHost) return line.value;
  return {};
}

}  // namespace

Access::Access(const AccessSettings& settings, const Router& router, Admission& admission,
               net::EventLoop& loop, Statistics& statistics)
    : settings_(settings),
      policies_(settings.rules, router),
      admission_(admission),
      loop_(loop),
      statistics_(statistics),
      attempts_(settings.max_auth_failures, settings.auth_failure_delay, loop),
      checker_(loop),
      challenges_(challenges_of(settings.auth)) {}

std::size_t Access::DigestHash::operator()(const Credentials::Digest& digest) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

Access::Challenges Access::challenges_of(const AuthSettings& settings) {
  Challenges challenges;
  const bool passwords = settings.username_given || !settings.file.empty();
  // Handlers may ask for credentials of their own, by the scheme that every client knows.
  if (passwords || settings.token_file.empty()) challenges.push_back(http::basic_challenge(settings.realm));
  if (!settings.token_file.empty()) challenges.push_back(http::bearer_challenge(settings.realm));
  return challenges;
}

void Access::change(Policies& policies, Challenges& challenges,
                    std::shared_ptr<const Credentials> credentials) noexcept {
  policies_.swap(policies);
  challenges_.swap(challenges);
  attempts_.limit(settings_.max_auth_failures, settings_.auth_failure_delay);
  use(std::move(credentials));
}

void Access::use(std::shared_ptr<const Credentials> credentials) noexcept {
  credentials_ = std::move(credentials);
  right_.clear();
}

bool Access::may_connect(const net::Address& peer) const noexcept {
  return is_trusted_proxy(peer) || policies_.admits_somewhere(peer);
}

Access::Verdict Access::decide(const Visitor& visitor) {
  Verdict verdict;
  const Policy& policy = policies_.of(visitor.route);
  verdict.is_preflight = is_allowed_preflight(visitor.head, policy.cors_origins);
  verdict.refusal = before_credentials(visitor, policy);
  // For pages that are allowed browsers ask, without certificate and credentials, whether they may ask with
  // them.
  if (verdict.refusal == http::Refusal::kNone && !verdict.is_preflight) {
    if (policy.client_cert && (visitor.tls == nullptr || visitor.tls->client_fingerprint.empty())) {
      verdict.refusal = http::Refusal::kNoCertificate;
    } else if (policy.auth && settings_.auth.configured()) {
      ask_for_credentials(visitor, verdict);
    }
  }
  if (verdict.refusal == http::Refusal::kNone && verdict.check == nullptr)
    verdict.refusal = after_credentials(visitor, policy, verdict);
  count(verdict.refusal);
  return verdict;
}

Access::Verdict Access::conclude(const Visitor& visitor, const CredentialCheck& check) {
  Verdict verdict;
  verdict.user = check.finding_.user;
  verdict.refusal = check.refusal_;
  if (verdict.refusal == http::Refusal::kNone)
    verdict.refusal = after_credentials(visitor, policies_.of(visitor.route), verdict);
  count(verdict.refusal);
  return verdict;
}

/// Address, limits, and the name that the server is called by.
http::Refusal Access::before_credentials(const Visitor& visitor, const Policy& policy) {
  if (!policy.admits(visitor.client)) return http::Refusal::kAddressRefused;
  // The connection of a proxy is nobody's and everybody's.
  const bool by_address = visitor.is_forwarded || is_trusted_proxy(visitor.client);
  const auto charge = [&] {
    return by_address ? admission_.charge(visitor.client) : admission_.charge(visitor.place);
  };
  const bool in_time = visitor.is_free || charge();
  if (!in_time) return http::Refusal::kTooManyRequests;
  if (!settings_.allowed_hosts.empty() && !settings_.allowed_hosts.contain(authority_of(visitor.head)))
    return http::Refusal::kUnknownHost;
  return http::Refusal::kNone;
}

void Access::ask_for_credentials(const Visitor& visitor, Verdict& verdict) {
  std::optional<std::string_view> value;
  for (const http::FieldLine& line : visitor.head.fields) {
    if (line.id != http::FieldId::kAuthorization) continue;
    verdict.had_credentials = true;
    // Two of them are no list (RFC 9110 section 11.6.2), and a proxy may have looked at the other one.
    if (value) {
      verdict.refusal = http::Refusal::kWrongCredentials;
      return;
    }
    value = line.value;
  }
  if (!value || credentials_ == nullptr) {
    verdict.refusal = http::Refusal::kNoCredentials;
    return;
  }
  const net::Duration wait = attempts_.wait_of(visitor.client);
  if (wait > net::Duration::zero()) statistics_.add(Statistics::kAuthThrottled);
  if (wait > Attempts::kPatience) {
    verdict.refusal = http::Refusal::kTooManyAttempts;
    verdict.retry_after = std::chrono::ceil<std::chrono::seconds>(wait);
    return;
  }
  auto check = std::make_unique<CredentialCheck>(*this, *value, visitor.client, wait);
  if (wait == net::Duration::zero() && check->done()) {
    verdict.refusal = check->refusal_;
    verdict.user = std::move(check->finding_.user);
    return;
  }
  verdict.check = std::move(check);
}

/// What can be said at once about credentials; the rest is for crypt(3).
Access::Finding Access::look_at(std::string_view authorization) {
  Finding finding;
  if (const auto token = http::parse_bearer_token(authorization)) {
    if (const auto name = credentials_->who_has_token(*token)) {
      finding.look = Look::kRight;
      finding.user = *name;
    }
    return finding;
  }
  decoded_.reserve(authorization.size());
  if (const auto given = http::parse_basic_credentials(authorization, decoded_);
      given && credentials_->have_passwords()) {
    finding.user = given->user;
    if (credentials_->is_plain_user(given->user, given->password)) {
      finding.look = Look::kRight;
    } else if (const auto hash = credentials_->hash_of(given->user, finding.is_known);
               hash && given->password.size() <= kLongestPassword) {
      finding.digest = credentials_->digest_of(given->password, *hash);
      const bool was_right = finding.is_known && right_.contains(finding.digest);
      finding.look = was_right ? Look::kRight : Look::kSlow;
      if (!was_right) {
        finding.password.assign(given->password.begin(), given->password.end());
        finding.hash = *hash;
      }
    }
  }
  http::wipe(decoded_);
  return finding;
}

void Access::remember(const Credentials::Digest& digest) noexcept {
  try {
    if (right_.size() == kMaxRemembered) right_.erase(right_.begin());
    right_.insert(digest);
  } catch (const std::bad_alloc&) {
    // It is hashed once more then.
  }
}

http::Refusal Access::after_credentials(const Visitor& visitor, const Policy& policy,
                                        const Verdict& verdict) {
  if (policy.users && policy.auth && !verdict.is_preflight &&
      std::ranges::find(*policy.users, verdict.user) == policy.users->end())
    return http::Refusal::kUserRefused;
  return judge_origin(visitor.head, authority_of(visitor.head), visitor.tls != nullptr, policy);
}

std::string Access::answer_fields(const Visitor& visitor) const {
  return cross_origin_fields(visitor.head, visitor.route, policies_.of(visitor.route).cors_origins);
}

void Access::count(http::Refusal refusal) noexcept {
  switch (refusal) {
    case http::Refusal::kNone:
    case http::Refusal::kTooManyAttempts:  // counted as they come, like those who only wait
    case http::Refusal::kOutOfResources:
      break;
    case http::Refusal::kTooManyChecks:
      statistics_.add(Statistics::kAuthThrottled);
      break;
    case http::Refusal::kTooManyRequests:
      statistics_.add(Statistics::kRateRefusals);
      break;
    case http::Refusal::kNoCredentials:
    case http::Refusal::kWrongCredentials:
      statistics_.add(Statistics::kAuthFailures);
      break;
    default:
      statistics_.add(Statistics::kAccessRefusals);
      break;
  }
}

}  // namespace httpd::server
