// Finds the end of a message head as its bytes come in, and refuses what cannot become one as early as it
// can. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

#include "http/field_scanner.h"
#include "http/limits.h"
#include "http/refusal.h"

namespace httpd::http {

/// Looks at each byte of a message head once, however it is fragmented (RFC 9112 sections 2.2, 3 and 5).
///
/// The request line is checked byte by byte, so that a client that does not speak HTTP is answered at once
/// and does not wait for an empty line that never comes. Of the field lines only ends and number are looked
/// at here; their syntax is RequestParser's.
class HeadScanner {
 public:
  explicit HeadScanner(const Limits& limits) noexcept : limits_(&limits) {}
  void reset() noexcept { *this = HeadScanner(*limits_); }

  /// `input` is the message from its first byte on: all that earlier calls saw, and more. True when the head
  /// is complete; false when more is needed or the message is refused (see refusal()).
  bool scan(std::string_view input) noexcept;

  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
  /// The size of the head with its last empty line; once scan() returned true.
  [[nodiscard]] std::size_t size() const noexcept { return position_ + fields_.size(); }
  /// Where the request target ends, once the request line is complete: an offset into the message.
  [[nodiscard]] std::size_t target_end() const noexcept { return target_end_; }

 private:
  enum class Part : char { kMethod, kTarget, kVersion, kFields };
  [[gnu::cold]] bool refuse(Refusal refusal) noexcept;
  bool scan_request_line(std::string_view input) noexcept;
  bool scan_method(std::string_view input) noexcept;
  bool scan_target(std::string_view input) noexcept;
  bool scan_version(std::string_view input) noexcept;

  const Limits* limits_;
  std::size_t position_ = 0;  // bytes of the request line that were looked at
  std::size_t method_end_ = 0;
  std::size_t target_end_ = 0;
  FieldScanner fields_;
  Part part_ = Part::kMethod;
  Refusal refusal_ = Refusal::kNone;
};

/// The number of bytes of empty lines that `input` begins with. RFC 9112 section 2.2 asks a server to skip at
/// least one before a request line.
[[nodiscard]] std::size_t leading_empty_lines(std::string_view input) noexcept;

}  // namespace httpd::http
