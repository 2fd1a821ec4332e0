// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/chunk_scanner.h"

#include <algorithm>

#include "http/characters.h"

namespace httpd::http {
namespace {

constexpr std::size_t kMaxSizeDigits = 64;  // leading zeros are allowed, endless ones are not

}  // namespace

bool ChunkScanner::scan(std::string_view input, std::size_t seen, std::uint64_t body_limit,
                        Refusal too_large) noexcept {
  while (refusal_ == Refusal::kNone && seen < input.size()) {
    if (part_ == Part::kTrailer) {
      const std::string_view section = input.substr(seen - trailer_seen_);
      trailer_seen_ = section.size();
      const bool complete =
          trailer_.scan(section, {limits_->max_trailer_size, limits_->max_trailer_fields,
                                  Refusal::kTrailerTooLarge, Refusal::kTooManyTrailerFields});
      refusal_ = trailer_.refusal();
      return complete;
    }
    if (part_ == Part::kData) {
      const std::uint64_t data = std::min<std::uint64_t>(size_, input.size() - seen);
      seen += static_cast<std::size_t>(data);
      size_ -= data;
      if (size_ == 0) part_ = Part::kDataEnd;
      continue;
    }
    refusal_ = take(input[seen], body_limit, too_large);
    ++seen;
  }
  return false;
}

Refusal ChunkScanner::take(char byte, std::uint64_t body_limit, Refusal too_large) noexcept {
  if (part_ == Part::kSize && (digits_ == 0 || hex_value(byte) >= 0)) return take_digit(byte);
  if (part_ == Part::kSize) part_ = Part::kAfterSize;
  switch (part_) {
    case Part::kLineFeed:
      if (byte != '\n') return Refusal::kMalformedChunk;
      // The limit may have been lowered since the body began.
      if (body_size_ > body_limit || size_ > body_limit - body_size_) return too_large;
      body_size_ += size_;
      digits_ = 0;
      return go(size_ == 0 ? Part::kTrailer : Part::kData);
    case Part::kDataEnd:
      return byte == '\r' ? go(Part::kDataLineFeed) : Refusal::kMalformedChunk;
    case Part::kDataLineFeed:
      return byte == '\n' ? go(Part::kSize) : Refusal::kMalformedChunk;
    default:
      break;
  }
  const bool may_end = part_ == Part::kAfterSize || part_ == Part::kInName || part_ == Part::kInToken;
  if (byte == '\r') return may_end ? go(Part::kLineFeed) : Refusal::kMalformedChunk;
  return take_extension(byte);
}

Refusal ChunkScanner::take_digit(char byte) noexcept {
  const int digit = hex_value(byte);
  if (digit < 0 || ++digits_ > kMaxSizeDigits || (size_ >> 60U) != 0) return Refusal::kMalformedChunk;
  size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
  return Refusal::kNone;
}

/// RFC 9112 section 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
Refusal ChunkScanner::take_extension(char byte) noexcept {
  const bool blank = is_blank(byte);
  Refusal result = Refusal::kMalformedChunk;
  switch (part_) {
    case Part::kAfterSize:
    case Part::kAfterBlank:
      if (blank) result = go(Part::kAfterBlank);
      if (byte == ';') result = go(Part::kName);
      break;
    case Part::kName:
      if (blank) result = Refusal::kNone;
      if (is_tchar(byte)) result = go(Part::kInName);
      break;
    case Part::kInName:
    case Part::kAfterName:
      if (blank) result = go(Part::kAfterName);
      if (byte == '=') result = go(Part::kValue);
      if (byte == ';') result = go(Part::kName);
      if (is_tchar(byte) && part_ == Part::kInName) result = Refusal::kNone;
      break;
    case Part::kValue:
      if (blank) result = Refusal::kNone;
      if (byte == '"') result = go(Part::kInQuotes);
      if (is_tchar(byte)) result = go(Part::kInToken);
      break;
    case Part::kInToken:
      if (is_tchar(byte)) result = Refusal::kNone;
      if (blank) result = go(Part::kAfterBlank);
      if (byte == ';') result = go(Part::kName);
      break;
    case Part::kInQuotes:
      if (blank || is_field_vchar(byte)) result = Refusal::kNone;
      if (byte == '"') result = go(Part::kAfterSize);
      if (byte == '\\') result = go(Part::kEscaped);
      break;
    case Part::kEscaped:
      if (blank || is_field_vchar(byte)) result = go(Part::kInQuotes);
      break;
    default:
      break;
  }
  if (result == Refusal::kNone && ++extension_bytes_ > limits_->max_chunk_extension_size)
    result = Refusal::kChunkExtensionsTooLarge;
  return result;
}

}  // namespace httpd::http
