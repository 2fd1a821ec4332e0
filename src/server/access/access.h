// The one place that decides who may come in: at the door, and for each request before its body is read.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <httpd/request.h>

#include "http/parser.h"
#include "http/refusal.h"
#include "net/event_loop.h"
#include "server/access/access_settings.h"
#include "server/access/admission.h"
#include "server/access/attempts.h"
#include "server/access/credentials.h"
#include "server/access/password_checker.h"
#include "server/access/rules.h"
#include "server/router.h"
#include "server/statistics.h"

namespace httpd::server {

class CredentialCheck;

/// Decides in this order: address, limits of connections and requests, Host, TLS client certificate,
/// credentials, Origin. Whatever comes first is what a client is told.
class Access {
 public:
  /// Who asks, and for what. Nothing of it is kept.
  struct Visitor {
    const http::RequestHead& head;
    const Route* route;  ///< null for a path that no root owns, and for none
    const net::Address& client;
    const TlsSession* tls;          ///< null without TLS
    const Admission::Place& place;  ///< of the connection
    bool is_forwarded = false;      ///< `client` is behind a proxy, whose connection it is
    bool is_free = false;           ///< no limit of requests counts for it
  };
  struct Verdict {
    http::Refusal refusal = http::Refusal::kNone;
    std::unique_ptr<CredentialCheck> check;  ///< not null: nothing is decided before it is done
    std::string user;                        ///< whose credentials they were; "" where none were needed
    bool had_credentials = false;            ///< the engine has looked at Authorization: nobody else is to
    bool is_preflight = false;  ///< of a page that is allowed: good without certificate and credentials
    std::chrono::seconds retry_after{0};  ///< for a 429
  };

  /// All must outlive it.
  Access(const AccessSettings& settings, const Router& router, Admission& admission, net::EventLoop& loop,
         Statistics& statistics);
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// Who is checked against from now on. Before the first request, where any are configured.
  void use(std::shared_ptr<const Credentials> credentials) noexcept;

  /// The challenges that settings lead to.
  using Challenges = std::vector<std::string>;
  [[nodiscard]] static Challenges challenges_of(const AuthSettings& settings);
  /// The settings have changed: these are the policies and challenges that they lead to. Those from before
  /// are in the arguments then. Requests that are being checked are judged by the new ones at last.
  void change(Policies& policies, Challenges& challenges,
              std::shared_ptr<const Credentials> credentials) noexcept;

  /// At the door. A trusted proxy may connect whatever the rules say: they are for whom it speaks.
  [[nodiscard]] bool may_connect(const net::Address& peer) const noexcept;
  [[nodiscard]] bool is_trusted_proxy(const net::Address& peer) const noexcept {
    return settings_.forwarding.trusted_proxies.contains(peer);
  }

  /// True when proxies tell in each request whom they forward for.
  [[nodiscard]] bool reads_forwarded_fields() const noexcept {
    return settings_.forwarding.field != ForwardedField::kNone;
  }

  /// About a request. Throws std::bad_alloc.
  [[nodiscard]] Verdict decide(const Visitor& visitor);
  /// The same once `check`, of an earlier verdict about this visitor, is done.
  [[nodiscard]] Verdict conclude(const Visitor& visitor, const CredentialCheck& check);

  /// False where answer_fields() are none.
  [[nodiscard]] bool has_answer_fields(const Visitor& visitor) const noexcept {
    return !policies_.of(visitor.route).cors_origins.empty();
  }
  /// Header lines for the reply: what a browser is to know (Fetch standard section 3.2).
  [[nodiscard]] std::string answer_fields(const Visitor& visitor) const;
  /// The values of WWW-Authenticate for those who may not (RFC 9110 section 11.6.1).
  [[nodiscard]] const Challenges& challenges() const noexcept { return challenges_; }

 private:
  friend class CredentialCheck;
  /// What a look at credentials comes to.
  enum class Look : std::uint8_t { kRight, kWrong, kSlow };
  struct Finding {
    Look look = Look::kWrong;
    std::string user;              // that they are of, or that they name
    net::SecretBytes password;     // of kSlow
    std::string_view hash;         // likewise: of the credentials that were looked at
    Credentials::Digest digest{};  // likewise
    bool is_known = false;         // likewise: there is such a user
  };
  struct DigestHash {
    std::size_t operator()(const Credentials::Digest& digest) const noexcept;
  };

  [[nodiscard]] http::Refusal before_credentials(const Visitor& visitor, const Policy& policy);
  void ask_for_credentials(const Visitor& visitor, Verdict& verdict);
  [[nodiscard]] Finding look_at(std::string_view authorization);
  [[nodiscard]] http::Refusal after_credentials(const Visitor& visitor, const Policy& policy,
                                                const Verdict& verdict);
  void remember(const Credentials::Digest& digest) noexcept;
  void count(http::Refusal refusal) noexcept;

  const AccessSettings& settings_;
  Policies policies_;
  Admission& admission_;
  net::EventLoop& loop_;
  Statistics& statistics_;
  Attempts attempts_;
  PasswordChecker checker_;
  std::shared_ptr<const Credentials> credentials_;             // shared with checks that are under way
  std::unordered_set<Credentials::Digest, DigestHash> right_;  // slow ones that were right before
  Challenges challenges_;
  std::string decoded_;  // for a password; wiped after each use
};

}  // namespace httpd::server
