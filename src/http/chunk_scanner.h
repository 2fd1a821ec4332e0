// Checks a chunked body as its bytes come in. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/field_scanner.h"
#include "http/limits.h"
#include "http/refusal.h"

namespace httpd::http {

/// Looks at each byte of a chunked body once, however it is fragmented (RFC 9112 section 7.1), and refuses
/// what cannot become one, or exceeds a limit, at the byte that decides. Of the trailer section only ends and
/// number of the lines are looked at; their syntax, and decoding, is RequestParser's.
class ChunkScanner {
 public:
  /// `limits` must outlive the scanner.
  explicit ChunkScanner(const Limits& limits) noexcept : limits_(&limits) {}
  void reset() noexcept { *this = ChunkScanner(*limits_); }

  /// `input` holds what comes next, of which the first `seen` bytes have been scanned by an earlier call. The
  /// trailer section must stay in it from its first byte on. True when the body is complete; false when more
  /// is needed or the body is refused (see refusal()).
  /// Chunks that together are longer than `body_limit`, the same in each call, are refused with `too_large`
  /// before their data comes.
  bool scan(std::string_view input, std::size_t seen, std::uint64_t body_limit, Refusal too_large) noexcept;

  [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }

 private:
  enum class Part : std::uint8_t {
    kSize,
    kAfterSize,   // or after an extension that is complete
    kAfterBlank,  // only another extension may follow
    kName,
    kInName,
    kAfterName,
    kValue,
    kInToken,
    kInQuotes,
    kEscaped,
    kLineFeed,
    kData,
    kDataEnd,
    kDataLineFeed,
    kTrailer
  };
  [[nodiscard]] Refusal take(char byte, std::uint64_t body_limit, Refusal too_large) noexcept;
  [[nodiscard]] Refusal take_digit(char byte) noexcept;
  [[nodiscard]] Refusal take_extension(char byte) noexcept;
  [[nodiscard]] Refusal go(Part next) noexcept {
    part_ = next;
    return Refusal::kNone;
  }

  const Limits* limits_;
  std::uint64_t size_ = 0;       // of the chunk, or what of its data is still to come
  std::uint64_t body_size_ = 0;  // of all chunks that have begun
  std::size_t digits_ = 0;
  std::size_t extension_bytes_ = 0;  // of all chunks
  std::size_t trailer_seen_ = 0;
  Part part_ = Part::kSize;
  FieldScanner trailer_;
  Refusal refusal_ = Refusal::kNone;
};

}  // namespace httpd::http
