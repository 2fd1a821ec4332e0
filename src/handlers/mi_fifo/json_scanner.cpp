// The states of the scanner: before the text, between tokens, in a string, after a backslash, in a bare word.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/json_scanner.h"

namespace httpd::mi_fifo {

std::size_t JsonScanner::feed(std::string_view bytes) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::kDone && take(bytes[taken]))
    ++taken;
  return taken;
}

bool JsonScanner::take(char byte) noexcept {
  switch (state_) {
    case State::kBefore:
      return is_json_space(byte) || begin(byte);
    case State::kNested:
      take_nested(byte);
      return true;
    case State::kString:
      return take_string(byte);
    case State::kEscape:
      if (is_control(byte)) return end_before();
      state_ = State::kString;
      return true;
    case State::kBare:
      return is_json_space(byte) || byte == ':' ? end_before() : true;
    case State::kDone:
      break;
  }
  return false;
}

bool JsonScanner::begin(char byte) noexcept {
  if (byte == ':') return end_before();
  if (byte == '{' || byte == '[') {
    state_ = State::kNested;
    depth_ = 1;
  } else {
    state_ = byte == '"' ? State::kString : State::kBare;
  }
  return true;
}

void JsonScanner::take_nested(char byte) noexcept {
  if (byte == '"') {
    state_ = State::kString;
  } else if (byte == '{' || byte == '[') {
    ++depth_;
  } else if (byte == '}' || byte == ']') {
    --depth_;
    if (depth_ == 0) state_ = State::kDone;
  }
}

bool JsonScanner::take_string(char byte) noexcept {
  if (byte == '\\') {
    state_ = State::kEscape;
  } else if (byte == '"') {
    state_ = depth_ == 0 ? State::kDone : State::kNested;
  } else if (static_cast<unsigned char>(byte) < 0x20) {
    return end_before();
  }
  return true;
}

bool JsonScanner::end_before() noexcept {
  state_ = State::kDone;
  return false;
}

}  // namespace httpd::mi_fifo
