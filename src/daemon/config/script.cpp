// Reads the statements of a configuration file.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/script.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "daemon/config/lexer.h"

namespace httpd::daemon {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : lexer_(text, file) { advance(); }

  std::vector<Statement> statements() {
    std::vector<Statement> out;
    while (token_.kind != Token::Kind::kEnd)
      statement(out);
    return out;
  }

 private:
  void advance() { token_ = lexer_.next(); }
  [[nodiscard]] SourcePosition here() const { return lexer_.at(token_.line, token_.column); }
  [[nodiscard]] bool is(char punctuation) const {
    return token_.kind == Token::Kind::kPunctuation && token_.text.front() == punctuation;
  }

  [[noreturn]] void unexpected(std::string_view expected, std::string_view hint = {}) const {
    // A value may be a password.
    const bool is_secret = in_value_ && token_.kind == Token::Kind::kString;
    fail_at(here(),
            fmt::format("expected {}, found {}{}", expected, is_secret ? "a string" : token_.found(), hint));
  }

  void expect(char punctuation, std::string_view after) {
    if (!is(punctuation)) unexpected(fmt::format("'{}' after {}", punctuation, after));
    advance();
  }

  std::string string(std::string_view what) {
    if (token_.kind != Token::Kind::kString) unexpected(fmt::format("{} in quotes", what));
    std::string out = std::move(token_.text);
    advance();
    return out;
  }

  std::string filled_string(std::string_view what) {
    if (token_.kind == Token::Kind::kString && token_.text.empty()) unexpected(what);
    return string(what);
  }

  /// The value of a word that stands for an integer.
  [[nodiscard]] std::optional<unsigned long long> boolean() const {
    if (token_.kind != Token::Kind::kWord) return std::nullopt;
    for (const char* word : {"yes", "true", "on", "enable"}) {
      if (token_.text == word) return 1;
    }
    for (const char* word : {"no", "false", "off", "disable"}) {
      if (token_.text == word) return 0;
    }
    return std::nullopt;
  }

  long long integer(std::string_view what) {
    using Limits = std::numeric_limits<long long>;
    const SourcePosition start = here();
    const bool negative = is('-');
    if (negative || is('+')) advance();
    const auto word = boolean();
    if (!word && token_.kind != Token::Kind::kInteger) unexpected(what);
    const unsigned long long magnitude = word.value_or(token_.magnitude);
    const unsigned long long most = static_cast<unsigned long long>(Limits::max()) + (negative ? 1U : 0U);
    if (magnitude > most) {
      fail_at(start, fmt::format("expected an integer from {} to {}, found '{}{}'", Limits::min(),
                                 Limits::max(), negative ? "-" : "", printable(token_.text)));
    }
    advance();
    // Negated before the conversion, which C++20 defines as modulo 2^64: the smallest integer needs no case
    // of its own.
    return static_cast<long long>(negative ? 0 - magnitude : magnitude);
  }

  void statement(std::vector<Statement>& out) {
    const std::string word = token_.kind == Token::Kind::kWord ? token_.text : std::string();
    if (word == "loadmodule") {
      load_module(out);
    } else if (word == "modparam") {
      set_parameter(out);
    } else if (word == "mpath") {
      set_module_path(out);
    } else if (word == "log_level") {
      set_log_level(out);
    } else {
      std::string_view hint;
      if (word == "debug") hint = " (use log_level = N, from -3 to 4)";
      if (is(';')) hint = " (these statements end without one, as in OpenSIPS)";
      if (is('/')) hint = " (a comment begins with # or /*)";
      unexpected("loadmodule, modparam, mpath or log_level", hint);
    }
  }

  void set_log_level(std::vector<Statement>& out) {
    SourcePosition where = here();
    advance();
    expect('=', "log_level");
    const SourcePosition value_at = here();
    const long long level = integer("a log level from -3 to 4");
    if (level < -3 || level > 4) {
      fail_at(value_at, fmt::format("expected a log level from -3 to 4, found '{}'", level));
    }
    out.emplace_back(SetLogLevel{std::move(where), static_cast<int>(level)});
  }

  void set_module_path(std::vector<Statement>& out) {
    const SourcePosition where = here();
    advance();
    expect('=', "mpath");
    out.emplace_back(SetModulePath{where, filled_string("a directory")});
    while (is(':')) {
      advance();
      out.emplace_back(SetModulePath{where, filled_string("a directory")});
    }
  }

  void load_module(std::vector<Statement>& out) {
    SourcePosition where = here();
    advance();
    out.emplace_back(LoadModule{std::move(where), filled_string("the file name of a module")});
  }

  void set_parameter(std::vector<Statement>& out) {
    SetParameter set{here(), {}, {}, {}, {}};
    advance();
    expect('(', "modparam");
    set.module_pattern = string("the name of a module");
    expect(',', "the name of the module");
    set.name = string("the name of a parameter");
    in_value_ = true;
    expect(',', "the name of the parameter");
    set.value_at = here();
    if (token_.kind == Token::Kind::kString) {
      std::string value = string("a value");
      while (token_.kind == Token::Kind::kString)
        value += string("a value");
      set.value = std::move(value);
    } else {
      set.value = integer("a string or an integer");
    }
    expect(')', "the value");
    in_value_ = false;
    out.emplace_back(std::move(set));
  }

  Lexer lexer_;
  Token token_;
  bool in_value_ = false;  // of a modparam() line: behind the name of the parameter
};

class File {
 public:
  explicit File(const std::string& path)
      // O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void cannot_read(const std::string& path, std::string_view why) {
  throw ConfigError(fmt::format("cannot read the configuration file {}: {}", path, why));
}

[[noreturn]] void cannot_read(const std::string& path) {
  cannot_read(path, std::generic_category().message(errno));
}

}  // namespace

std::vector<Statement> parse_script(std::string_view text, const std::string& file_name) {
  if (text.size() > kMaxScriptSize) cannot_read(file_name, "it is larger than 1 MiB");
  return Parser(text, file_name).statements();
}

net::SecretBytes read_script_text(const std::string& path) {
  const File file(path);
  if (file.descriptor() < 0) cannot_read(path);
  struct stat status {};
  if (fstat(file.descriptor(), &status) != 0) cannot_read(path);
  if (!S_ISREG(status.st_mode)) cannot_read(path, "not a regular file");
  net::SecretBytes text(kMaxScriptSize + 1);
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.descriptor(), text.data() + size, text.size() - size);
    if (got < 0) {
      if (errno == EINTR) continue;
      cannot_read(path);
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

std::vector<Statement> read_script(const std::string& path) {
  const net::SecretBytes text = read_script_text(path);
  return parse_script({text.data(), text.size()}, path);
}

}  // namespace httpd::daemon
