// Splits a configuration file into tokens.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/lexer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <system_error>

namespace httpd::daemon {
namespace {

// <cctype> depends on the locale; a configuration file does not.
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_octal(char c) {
  return c >= '0' && c <= '7';
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_word(char c) {
  return is_letter(c) || is_digit(c) || c == '_';
}

}  // namespace

std::string Token::found() const {
  switch (kind) {
    case Kind::kEnd:
      return "the end of the file";
    case Kind::kString:
      return fmt::format("\"{}\"", printable(text));
    default:
      return fmt::format("'{}'", printable(text));
  }
}

char Lexer::peek(std::size_t ahead) const noexcept {
  return ahead < text_.size() - offset_ ? text_[offset_ + ahead] : '\0';
}

std::size_t Lexer::line_end(std::size_t ahead) const noexcept {
  if (peek(ahead) == '\n') return 1;
  return peek(ahead) == '\r' && peek(ahead + 1) == '\n' ? 2 : 0;
}

void Lexer::skip(std::size_t count) {
  for (; count > 0; --count) {
    if (text_[offset_] == '\n') {
      ++line_;
      column_ = 1;
    } else {
      ++column_;
    }
    ++offset_;
  }
}

void Lexer::check_byte() const {
  const char c = peek();
  if (c == '\0') fail_at(here(), "NUL byte: this is not a configuration file");
  const bool control = (c > '\0' && c < ' ' && c != '\t') || c == '\x7f';
  if (control && line_end() == 0) {
    fail_at(here(), fmt::format("control character {}", printable(std::string_view(&c, 1))));
  }
}

void Lexer::skip_block_comment() {
  const SourcePosition start = here();
  int depth = 0;
  do {
    if (at_end()) fail_at(start, "this comment is not closed: expected */, found the end of the file");
    if (peek() == '\0') check_byte();
    if (peek() == '/' && peek(1) == '*') {
      ++depth;
      skip(2);
    } else if (peek() == '*' && peek(1) == '/') {
      --depth;
      skip(2);
    } else {
      skip(1);
    }
  } while (depth > 0);
}

void Lexer::skip_blanks() {
  while (!at_end()) {
    if (peek() == ' ' || peek() == '\t') {
      skip(1);
    } else if (const std::size_t end = line_end(); end > 0) {
      skip(end);
    } else if (peek() == '\\' && line_end(1) > 0) {
      skip(1 + line_end(1));
    } else if (peek() == '#') {
      while (!at_end() && peek() != '\n') {
        if (peek() == '\0') check_byte();
        skip(1);
      }
    } else if (peek() == '/' && peek(1) == '*') {
      skip_block_comment();
    } else {
      return;
    }
  }
}

void Lexer::read_word(Token& token) {
  while (is_word(peek())) {
    token.text += peek();
    skip(1);
  }
}

void Lexer::read_integer(Token& token) {
  const SourcePosition start = here();
  read_word(token);
  std::string_view digits = token.text;
  int base = 10;
  if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  } else if (digits.size() > 1 && digits.front() == '0') {
    digits.remove_prefix(1);
    base = 8;
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), token.magnitude, base);
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
    fail_at(start,
            fmt::format("expected an integer (decimal, 0x hexadecimal or 0 octal), found {}", token.found()));
  }
  if (error == std::errc::result_out_of_range) {
    token.magnitude = std::numeric_limits<unsigned long long>::max();
  }
}

void Lexer::add_escaped(Token& token, std::size_t prefix, std::size_t digits, int base) {
  const std::string_view written = text_.substr(offset_, prefix + digits);
  unsigned value = 0;
  std::from_chars(written.data() + prefix, written.data() + written.size(), value, base);
  if (value == 0 || value > 0xff) {
    fail_at(here(),
            fmt::format("expected an escape for a byte from 1 to 255 in the string, found {}", written));
  }
  token.text += static_cast<char>(static_cast<unsigned char>(value));
  skip(prefix + digits);
}

void Lexer::read_escape(Token& token) {
  constexpr std::string_view kLetters = "nrat\"\\";
  constexpr std::string_view kBytes = "\n\r\a\t\"\\";
  const char letter = peek(1);
  if (const std::size_t index = kLetters.find(letter); index != std::string_view::npos) {
    token.text += kBytes[index];
    skip(2);
  } else if (letter == 'x' && is_hex(peek(2))) {
    add_escaped(token, 2, is_hex(peek(3)) ? 2 : 1, 16);
  } else if (is_octal(letter) && is_octal(peek(2))) {
    add_escaped(token, 1, is_octal(peek(3)) ? 3 : 2, 8);
  } else if (const std::size_t end = line_end(1); end > 0) {
    skip(1 + end);
  } else {
    token.text += '\\';
    skip(1);
  }
}

void Lexer::read_string(Token& token) {
  const SourcePosition start = here();
  const char quote = peek();
  skip(1);
  // Growing would leave pieces of a password behind. What is escaped is longer than what it stands for.
  token.text.reserve(std::min(text_.find(quote, offset_), text_.size()) - offset_ + 1);
  while (true) {
    if (at_end()) {
      fail_at(start, fmt::format("this string is not closed: expected {}, found the end of the file", quote));
    }
    if (peek() == quote) break;
    if (quote == '"' && peek() == '\\') {
      read_escape(token);
    } else if (const std::size_t end = line_end(); end > 0) {
      token.text += '\n';
      skip(end);
    } else {
      check_byte();
      token.text += peek();
      skip(1);
    }
  }
  skip(1);
}

Token Lexer::next() {
  skip_blanks();
  Token token;
  token.line = line_;
  token.column = column_;
  if (at_end()) return token;
  const char first = peek();
  if (is_letter(first)) {
    token.kind = Token::Kind::kWord;
    read_word(token);
  } else if (is_digit(first)) {
    token.kind = Token::Kind::kInteger;
    read_integer(token);
  } else if (first == '"' || first == '\'') {
    token.kind = Token::Kind::kString;
    read_string(token);
  } else {
    check_byte();
    token.kind = Token::Kind::kPunctuation;
    token.text = first;
    skip(1);
  }
  return token;
}

}  // namespace httpd::daemon
