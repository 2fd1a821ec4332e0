// Splits a configuration file into words, strings, integers and punctuation, by the rules of OpenSIPS's
// cfg.lex. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/config/position.h"

namespace httpd::daemon {

struct Token {
  enum class Kind : unsigned char {
    kEnd,          ///< the end of the file
    kWord,         ///< a letter, then letters, digits and '_'
    kString,       ///< "with escapes" or 'raw'
    kInteger,      ///< digits without a sign
    kPunctuation,  ///< any other byte
  };
  Kind kind = Kind::kEnd;
  int line = 1;
  int column = 1;
  std::string text;                  ///< as written; of a string, what it stands for
  unsigned long long magnitude = 0;  ///< of an integer; the largest value there is when it does not fit

  /// The token as an error names it: 'word', "string", end of file.
  [[nodiscard]] std::string found() const;
};

/// Reads tokens one after the other, in time linear to the text.
///
/// White space, `# …` to the end of the line, and nested `/* … */` separate tokens. In "strings" \n \r \a \t
/// \" \\, \x with one or two hexadecimal digits, and \ with two or three octal digits are escapes, a
/// backslash before a line end removes both, and any other backslash stands for itself. Integers are decimal,
/// 0x hexadecimal or 0 octal. A line may end in CR LF; a string that goes over it holds LF alone.
class Lexer {
 public:
  /// `text` must outlive the lexer. `file` is for error messages.
  Lexer(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  /// The next token; Kind::kEnd again and again at the end. Throws httpd::ConfigError with the position for
  /// unclosed strings and comments, control characters, malformed integers, and a NUL anywhere.
  [[nodiscard]] Token next();

  [[nodiscard]] SourcePosition at(int line, int column) const { return {file_, line, column}; }

 private:
  [[nodiscard]] SourcePosition here() const { return at(line_, column_); }
  [[nodiscard]] bool at_end() const noexcept { return offset_ >= text_.size(); }
  /// The byte `ahead` of the next one, NUL past the end.
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept;
  /// The length of the line end that stands `ahead`: 1 for LF, 2 for CR LF, 0 for none.
  [[nodiscard]] std::size_t line_end(std::size_t ahead = 0) const noexcept;
  void skip(std::size_t count);
  void skip_blanks();
  void skip_block_comment();
  void check_byte() const;
  void read_word(Token& token);
  void read_integer(Token& token);
  void read_string(Token& token);
  void read_escape(Token& token);
  void add_escaped(Token& token, std::size_t prefix, std::size_t digits, int base);

  std::string_view text_;
  std::string file_;
  std::size_t offset_ = 0;
  int line_ = 1;
  int column_ = 1;
};

}  // namespace httpd::daemon
