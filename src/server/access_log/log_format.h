// The formats of the access log: what a line is made of.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::server {

/// One part of a line.
struct LogItem {
  enum class Kind : std::uint8_t {
    kLiteral,
    kClient,
    kPeer,
    kUser,
    kTime,     ///< [27/Nov/2026:01:41:25 +0000], local time
    kIsoTime,  ///< 2026-11-27T01:41:25.123456Z
    kRequestLine,
    kMethod,
    kPath,
    kQuery,
    kVersion,
    kStatus,
    kRequestField,
    kReplyField,
    kRoot,
    kRequestId,
    kHandlerTime,  ///< microseconds
    kTlsVersion,
    kTlsCipher,
    kTlsServerName,
    kTlsSubject,
    // Known only when the reply is out, or the connection over.
    kBytes,         ///< a number
    kBytesOrDash,   ///< the same, "-" for none
    kTotalTime,     ///< microseconds
    kTotalSeconds,  ///< with six digits behind the point
    kEndSign,       ///< '+' kept, '-' closed, 'X' cut
    kEndWord,
  };
  Kind kind;
  std::string text;  ///< of a literal, or the name of a field
};

/// A format, compiled.
class LogFormat {
 public:
  /// How texts that come from outside are written.
  enum class Notation : bool {
    kLog,  ///< as http::escape_for_log() does; "-" for what is not there
    kJson  ///< as a JSON string with its quotation marks; null for what is not there
  };
  static constexpr std::size_t kMaxSize = 2048;  // bytes of a format
  /// Parts of a record for the journal are "NAME=value" with this between them; it is in no part.
  static constexpr char kFieldSeparator = '\x1f';

  /// "combined", "json", or text with directives as docs/ADMIN.md lists them. Throws ConfigError, which names
  /// the position.
  static LogFormat parse(std::string_view text);
  /// The same for the journal: a record whose MESSAGE is the line, and which has fields of its own besides.
  static LogFormat for_journal(std::string_view text);

  [[nodiscard]] const std::vector<LogItem>& items() const noexcept { return items_; }
  [[nodiscard]] Notation notation() const noexcept { return notation_; }
  /// The items from this one on are always in Notation::kLog.
  [[nodiscard]] std::size_t fields_begin() const noexcept { return fields_begin_; }

 private:
  std::vector<LogItem> items_;
  Notation notation_ = Notation::kLog;
  std::size_t fields_begin_ = static_cast<std::size_t>(-1);
};

}  // namespace httpd::server
