// Escaping for log lines and JSON strings.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/escape.h"

#include <httpd/utf8.h>

namespace httpd::http {
namespace {

void append_hex(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 0xFU];
}

/// The letter after the backslash of a short JSON escape, or '\0' when the character has none.
char short_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
  }
}

constexpr std::string_view kCut = "...";
// Of the characters that end a line for some readers, those that are no control characters.
constexpr std::string_view kLineSeparator = "\xE2\x80\xA8";
constexpr std::string_view kParagraphSeparator = "\xE2\x80\xA9";

bool is_plain_in_log(char c) noexcept {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/// The length of the run of ASCII at the beginning of `text` that needs no escape in either notation.
std::size_t plain_run(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && is_plain_in_log(text[length]))
    ++length;
  return length;
}

void append_log_escape(char c, std::string& out) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else {
    out += "\\x";
    append_hex(out, static_cast<unsigned char>(c));
  }
}

/// Appends what the first character of `text` becomes, and returns its length.
std::size_t append_json_character(std::string_view text, std::string& out) {
  const std::size_t length = utf8_length(text);
  const std::string_view sequence = text.substr(0, length);
  if (length == 0) {
    out += "\\ufffd";
    return 1;
  }
  if (const char letter = short_escape(sequence.front()); letter != '\0') {
    out += '\\';
    out += letter;
  } else if (is_utf8_control(sequence)) {
    out += "\\u00";
    append_hex(out, static_cast<unsigned char>(sequence.back()));
  } else if (sequence == kLineSeparator || sequence == kParagraphSeparator) {
    out += sequence == kLineSeparator ? "\\u2028" : "\\u2029";
  } else {
    out += sequence;
  }
  return length;
}

/// Appends `text`, what is not plain in it by `append_one`, which returns how much it has taken.
template <class AppendOne>
void append_escaped(std::string_view text, std::size_t max_bytes, std::string& out, AppendOne append_one) {
  const std::size_t begin = out.size();
  while (!text.empty()) {
    const std::size_t left = max_bytes - (out.size() - begin);
    const std::size_t run = plain_run(text);
    if (run > left) {
      out += text.substr(0, left);
      out += kCut;
      return;
    }
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const std::size_t before = out.size();
    const std::size_t taken = append_one(text, out);
    if (out.size() - begin > max_bytes) {
      out.resize(before);
      out += kCut;
      return;
    }
    text.remove_prefix(taken);
  }
}

}  // namespace

std::string escape_for_log(std::string_view text, std::size_t max_bytes) {
  const bool cut = text.size() > max_bytes;
  if (cut) text = text.substr(0, max_bytes);
  std::string out;
  out.reserve(text.size() + 3);
  for (const char c : text) {
    if (is_plain_in_log(c)) {
      out += c;
    } else {
      append_log_escape(c, out);
    }
  }
  if (cut) out += kCut;
  return out;
}

std::string escape_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty())
    text.remove_prefix(append_json_character(text, out));
  return out;
}

void append_for_log(std::string_view text, std::size_t max_bytes, std::string& out) {
  append_escaped(text, max_bytes, out, [](std::string_view rest, std::string& to) {
    append_log_escape(rest.front(), to);
    return std::size_t{1};
  });
}

void append_json(std::string_view text, std::size_t max_bytes, std::string& out) {
  append_escaped(text, max_bytes, out, append_json_character);
}

}  // namespace httpd::http
