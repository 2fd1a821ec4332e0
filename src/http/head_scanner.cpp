// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/head_scanner.h"

#include "http/characters.h"

namespace httpd::http {
namespace {

constexpr std::size_t kMaxMethodSize = 32;  // the longest registered method has 17 letters
constexpr std::string_view kVersionShape = "HTTP/#.#\r\n";
constexpr std::string_view kUsualVersion = "HTTP/1.1\r\n";

/// What a target may consist of, as far as one byte tells: ASCII without controls and space.
constexpr bool is_visible(char byte) noexcept {
  return byte > ' ' && byte < 0x7f;
}

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

/// Each part is looked at in a loop of its own, which goes on where the last call stopped.
bool HeadScanner::scan_request_line(std::string_view input) noexcept {
  if (part_ == Part::kMethod && !scan_method(input)) return false;
  if (part_ == Part::kTarget && !scan_target(input)) return false;
  return scan_version(input);
}

bool HeadScanner::scan_method(std::string_view input) noexcept {
  std::size_t at = position_;
  while (at < input.size() && is_tchar(input[at])) {
    if (at >= kMaxMethodSize) return refuse(Refusal::kUnknownMethod);
    ++at;
  }
  position_ = at;
  if (at == input.size()) return false;
  if (input[at] != ' ' || at == 0) return refuse(Refusal::kMalformedRequestLine);
  method_end_ = at;
  position_ = at + 1;
  part_ = Part::kTarget;
  return true;
}

bool HeadScanner::scan_target(std::string_view input) noexcept {
  std::size_t at = position_;
  while (at < input.size() && is_visible(input[at]))
    ++at;
  position_ = at;
  const std::size_t begin = method_end_ + 1;
  if (at - begin > limits_->max_uri_size) return refuse(Refusal::kTargetTooLong);
  if (at == input.size()) return false;
  const char byte = input[at];
  if (byte != ' ' || at == begin) {
    const bool ends_line = byte == ' ' || byte == '\r' || byte == '\n';
    return refuse(ends_line ? Refusal::kMalformedRequestLine : Refusal::kMalformedTarget);
  }
  target_end_ = at;
  position_ = at + 1;
  part_ = Part::kVersion;
  return true;
}

bool HeadScanner::scan_version(std::string_view input) noexcept {
  const std::size_t begin = target_end_ + 1;
  if (input.substr(begin).starts_with(kUsualVersion)) {
    part_ = Part::kFields;
    position_ = begin + kUsualVersion.size();
    return true;
  }
  for (; position_ < input.size(); ++position_) {
    const std::size_t index = position_ - begin;
    const char byte = input[position_];
    const char expected = kVersionShape[index];
    if (expected == '#' ? !is_digit(byte) : byte != expected)
      return refuse(byte == '\n' ? Refusal::kBareLineEnding : Refusal::kMalformedRequestLine);
    if (index + 1 < kVersionShape.size()) continue;
    // RFC 9110 section 2.5: any minor version of a known major one is understood, no other major one is.
    if (input[target_end_ + 6] != '1') return refuse(Refusal::kUnsupportedVersion);
    part_ = Part::kFields;
    ++position_;
    return true;
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
