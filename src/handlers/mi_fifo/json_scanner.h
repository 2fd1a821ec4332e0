// Finds where a JSON text ends in a stream of bytes, without reading what it means.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpd::mi_fifo {

/// Follows the strings, escapes and brackets of one JSON text (RFC 8259) that comes in pieces. A text that is
/// no JSON ends somewhere too: after as many closing brackets of either kind as there were opening ones,
/// before a control character within a string, and, without any bracket or quote, before white space or a
/// colon. Whether a text is well-formed is for a parser to say.
class JsonScanner {
 public:
  /// Reads on, and returns how many of `bytes` belong to the text (white space before it does): all of them
  /// as long as it has not ended. Each byte is looked at once; needs no memory, however deep the nesting.
  [[nodiscard]] std::size_t feed(std::string_view bytes) noexcept;
  /// True once the end was found; feed() takes nothing more then.
  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }

 private:
  enum class State : std::uint8_t { kBefore, kNested, kString, kEscape, kBare, kDone };

  /// True when `byte` belongs to the text.
  bool take(char byte) noexcept;
  bool begin(char byte) noexcept;
  void take_nested(char byte) noexcept;
  bool take_string(char byte) noexcept;
  bool end_before() noexcept;

  State state_ = State::kBefore;
  std::size_t depth_ = 0;
};

/// The white space of RFC 8259 section 2.
[[nodiscard]] constexpr bool is_json_space(char byte) noexcept {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/// A byte that ends or garbles a line: US-ASCII 0 to 31 and 127.
[[nodiscard]] constexpr bool is_control(char byte) noexcept {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

}  // namespace httpd::mi_fifo
