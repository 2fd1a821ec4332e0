// One line of the access log, in two steps: what is known when a reply begins, and the rest when it is out.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <httpd/request.h>

#include "http/framing.h"
#include "net/address.h"
#include "server/access_log/log_format.h"

namespace httpd::server {

/// What is known of a request when its reply begins. Views that need to live for a call only; "" is what is
/// not there.
struct LogFacts {
  net::Address client;                         ///< whom the request comes from
  net::Address peer;                           ///< whom the connection comes from: the client, or a proxy
  std::chrono::system_clock::time_point time;  ///< when the request began
  std::string_view user;
  std::string_view request_line;
  std::string_view method;
  std::string_view path;
  std::string_view query;
  std::string_view version;
  std::string_view root;
  std::string_view request_id;
  std::span<const http::FieldLine> fields;                ///< of the request
  int status = 0;                                         ///< 0: the client left before there was one
  std::string_view content_type;                          ///< of the reply
  std::string_view reply_fields;                          ///< whole lines, each ended by CRLF
  std::optional<std::chrono::microseconds> handler_time;  ///< none when no handler was called
  const TlsSession* tls = nullptr;
};

/// How it ended.
struct LogOutcome {
  enum class End : char { kKept = '+', kClosed = '-', kCut = 'X' };
  std::uint64_t body_bytes = 0;  ///< of the reply's body, given to the client's socket
  std::chrono::microseconds total{0};
  End end = End::kKept;
};

/// Texts of the present second, made anew when it has changed.
class LogClock {
 public:
  /// "[27/Nov/2026:01:41:25 +0000]", local time. Valid until the next call.
  [[nodiscard]] std::string_view local(std::time_t second) noexcept;
  /// "2026-11-27T01:41:25". Valid until the next call.
  [[nodiscard]] std::string_view iso(std::time_t second) noexcept;

 private:
  std::time_t local_second_ = -1;
  std::time_t iso_second_ = -1;
  char local_[48] = {};
  char iso_[32] = {};
};

/// No line, with its '\n', is longer than this, in bytes.
inline constexpr std::size_t kMaxLogLine = 64 * 1024;

/// Appends the line to `out`, with marks where finish_log_line() will put what is not known yet. Throws
/// std::bad_alloc.
void begin_log_line(const LogFormat& format, const LogFacts& facts, LogClock& clock, std::string& out);
/// Appends the line that begin_log_line() has begun, whole and with its '\n'. Throws std::bad_alloc.
void finish_log_line(std::string_view begun, const LogOutcome& outcome, std::string& out);

}  // namespace httpd::server
