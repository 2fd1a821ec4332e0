// What a handler sees of a request.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include <httpd/method.h>

namespace httpd {

/// The TLS session that a request came over. Texts of the client's certificate are as its authority signed
/// them: trust their meaning as far as that authority.
struct TlsSession {
  std::string version;         ///< "TLS1.2", "TLS1.3"
  std::string cipher_suite;    ///< "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
  std::string server_name;     ///< the host name that the client asked for (RFC 6066 section 3); "" for none
  std::string client_subject;  ///< the distinguished name (RFC 4514) in the client's verified certificate,
                               ///< e.g. "CN=probe,O=Example"; "" when it showed none
  std::string client_issuer;   ///< the name of the authority that signed it
  std::string client_serial;   ///< its serial number, hexadecimal
  std::string client_fingerprint;  ///< the SHA-256 digest of the whole certificate, hexadecimal
};

/// One whole request, head and body, as RFC 9110 and RFC 9112 define it.
///
/// Every view that it returns lives as long as the request does: until the Reply that came with it is sent or
/// destroyed, whether or not the client is still there; at the longest as long as the server. Nothing here
/// allocates, and nothing here throws.
class Request {
 public:
  /// The method. A HEAD request that a handler answers through its GET code says kGet here; see is_head().
  [[nodiscard]] virtual Method method() const noexcept = 0;
  /// True when the client sent HEAD: the engine drops the reply's body, so a handler may skip making a costly
  /// one.
  [[nodiscard]] virtual bool is_head() const noexcept = 0;
  /// "HTTP/1.0" or "HTTP/1.1". Static storage, NUL-terminated.
  [[nodiscard]] virtual std::string_view version() const noexcept = 0;
  /// The request target exactly as the client sent it (RFC 9112 section 3.2).
  [[nodiscard]] virtual std::string_view target() const noexcept = 0;
  /// The root path that this request was routed to, as it was registered, e.g. "mi".
  [[nodiscard]] virtual std::string_view root() const noexcept = 0;
  /// The path below the root, percent-decoded: "" or begins with '/'. For "/mi/a%20b" and root "mi": "/a b".
  /// The byte after it is a NUL, and it holds none of its own.
  [[nodiscard]] virtual std::string_view path() const noexcept = 0;
  /// The query without its '?', not decoded; "" when there is none.
  [[nodiscard]] virtual std::string_view query() const noexcept = 0;
  /// The value of the first header field with this name (any case), without surrounding white space. Host is
  /// the target's authority where the target has one (RFC 9112 section 3.2.2).
  [[nodiscard]] virtual std::optional<std::string_view> field(std::string_view name) const noexcept = 0;
  /// The index of the media type among `offered` that the client's Accept field prefers (RFC 9110 section
  /// 12.5.1), the first of those it likes as well; offered.size() when it takes none of them. 0 without a
  /// field, and for one that cannot be read. E.g. {"text/plain; version=0.0.4", "application/json"}.
  [[nodiscard]] virtual std::size_t preferred_type(
      std::span<const std::string_view> /*offered*/) const noexcept {
    return 0;
  }
  /// Whether the client takes a body in this content coding, e.g. "gzip": Accept-Encoding names it, or "*",
  /// with a weight that is not 0 (RFC 9110 section 12.5.3). False without a field, and for one that cannot be
  /// read. Only who sends a Content-Encoding itself has to ask: see Handler::may_be_compressed().
  [[nodiscard]] virtual bool accepts_coding(std::string_view /*coding*/) const noexcept { return false; }
  /// The decoded value of the first form field with this name or, where the form has none, of the first query
  /// argument. The byte after the value is a NUL. Values hold no NUL of their own.
  [[nodiscard]] virtual std::optional<std::string_view> argument(std::string_view name) const noexcept = 0;
  /// The number of form fields and query arguments, and each of them in order (form fields first).
  [[nodiscard]] virtual std::size_t argument_count() const noexcept = 0;
  [[nodiscard]] virtual std::pair<std::string_view, std::string_view> argument_at(
      std::size_t index) const noexcept = 0;
  /// The media type of the body in lower case without parameters, e.g. "application/json"; "" when not given.
  [[nodiscard]] virtual std::string_view media_type() const noexcept = 0;
  /// The body, after transfer coding was removed; "" when there is none. Forms are also split into
  /// argument()s.
  [[nodiscard]] virtual std::string_view body() const noexcept = 0;
  /// The client's address, behind trusted proxies as they tell it: sockaddr_in, or sockaddr_in6 for a true
  /// IPv6 client (never an IPv4-mapped one). Over a Unix socket its sa_family is AF_UNIX, and nothing behind
  /// it is set; AF_UNSPEC where a proxy does not know it.
  [[nodiscard]] virtual const sockaddr& client() const noexcept = 0;
  /// The address that the client connected to, in the same form.
  [[nodiscard]] virtual const sockaddr& server() const noexcept = 0;
  /// The TLS session that the request came over; null when it came in clear.
  [[nodiscard]] virtual const TlsSession* tls() const noexcept { return nullptr; }
  /// Whose credentials the request came with: a name of auth_username, auth_file or auth_token_file; "" where
  /// the engine did not ask for any. Where it did, field("Authorization") is empty.
  [[nodiscard]] virtual std::string_view user() const noexcept { return {}; }

 protected:
  ~Request() = default;
};

}  // namespace httpd
