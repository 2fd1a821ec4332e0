// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/head_scanner.h"

#include "http/characters.h"

namespace httpd::http {
namespace {

constexpr std::size_t kMaxMethodSize = 32;  // the longest registered method has 17 letters
constexpr std::string_view kVersionShape = "HTTP/#.#\r\n";

}  // namespace

bool HeadScanner::refuse(Refusal refusal) noexcept {
  refusal_ = refusal;
  return false;
}

bool HeadScanner::scan(std::string_view input) noexcept {
  if (refusal_ != Refusal::kNone) return false;
  if (part_ != Part::kFields && !scan_request_line(input)) return false;
  const bool complete =
      fields_.scan(input.substr(position_), {limits_->max_header_size, limits_->max_header_fields,
                                             Refusal::kHeaderTooLarge, Refusal::kTooManyFields});
  refusal_ = fields_.refusal();
  return complete;
}

bool HeadScanner::scan_request_line(std::string_view input) noexcept {
  for (; position_ < input.size(); ++position_) {
    const char byte = input[position_];
    switch (part_) {
      case Part::kMethod:
        if (byte == ' ' && position_ > 0) {
          method_end_ = position_;
          part_ = Part::kTarget;
        } else if (!is_tchar(byte)) {
          return refuse(Refusal::kMalformedRequestLine);
        } else if (position_ >= kMaxMethodSize) {
          return refuse(Refusal::kUnknownMethod);
        }
        break;
      case Part::kTarget:
        if (byte == ' ' && position_ > method_end_ + 1) {
          target_end_ = position_;
          part_ = Part::kVersion;
        } else if (byte == ' ' || byte == '\r' || byte == '\n') {
          return refuse(Refusal::kMalformedRequestLine);
        } else if (static_cast<unsigned char>(byte) <= 0x20 || static_cast<unsigned char>(byte) >= 0x7f) {
          return refuse(Refusal::kMalformedTarget);
        } else if (position_ - method_end_ > limits_->max_uri_size) {
          return refuse(Refusal::kTargetTooLong);
        }
        break;
      case Part::kVersion: {
        const std::size_t index = position_ - target_end_ - 1;
        const char expected = kVersionShape[index];
        if (expected == '#' ? !is_digit(byte) : byte != expected) {
          return refuse(byte == '\n' ? Refusal::kBareLineEnding : Refusal::kMalformedRequestLine);
        }
        if (index + 1 == kVersionShape.size()) {
          // RFC 9110 section 2.5: any minor version of a known major one is understood, no other major one
          // is.
          if (input[target_end_ + 6] != '1') return refuse(Refusal::kUnsupportedVersion);
          part_ = Part::kFields;
          ++position_;
          return true;
        }
        break;
      }
      case Part::kFields:
        return true;
    }
  }
  return false;
}

std::size_t leading_empty_lines(std::string_view input) noexcept {
  std::size_t size = 0;
  while (input.substr(size, 2) == "\r\n")
    size += 2;
  return size;
}

}  // namespace httpd::http
