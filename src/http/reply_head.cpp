// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/reply_head.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/characters.h"
#include "http/status.h"

namespace httpd::http {
namespace {

constexpr std::size_t kLongestNumber = 20;
/// The longest that all but the texts of a ReplyHead can come to.
constexpr std::size_t kFixedParts =
    std::string_view(
        "HTTP/1.1  \r\nDate: \r\nContent-Type: \r\nTransfer-Encoding: chunked\r\n"
        "Connection: \r\n\r\n")
        .size() +
    2 * kLongestNumber;

template <std::size_t Size>
char* put(const char (&text)[Size], char* at) noexcept {
  std::memcpy(at, text, Size - 1);
  return at + Size - 1;
}

char* put(std::string_view text, char* at) noexcept {
  return std::copy(text.begin(), text.end(), at);
}

template <typename Integer>
char* put_number(Integer value, char* at) noexcept {
  return std::to_chars(at, at + kLongestNumber, value).ptr;
}

}  // namespace

bool has_field(std::string_view lines, std::string_view name) noexcept {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    if (iequals(line.substr(0, line.find(':')), name)) return true;
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
  return false;
}

void append_reply_head(const ReplyHead& head, std::string& out) {
  const std::string_view reason = reason_phrase(head.status);
  const std::size_t begin = out.size();
  // Room for all of it at once: a string that grows piece by piece costs more than the whole parsing does.
  out.resize(begin + kFixedParts + reason.size() + head.date.size() + head.content_type.size() +
             head.fields.size() + head.connection.size());
  char* at = out.data() + begin;
  at = put("HTTP/1.1 ", at);
  at = put_number(head.status, at);
  at = put(" ", at);
  at = put(reason, at);
  at = put("\r\nDate: ", at);
  at = put(head.date, at);
  at = put("\r\n", at);
  if (!head.content_type.empty()) {
    at = put("Content-Type: ", at);
    at = put(head.content_type, at);
    at = put("\r\n", at);
  }
  at = put(head.fields, at);
  if (head.body == ReplyHead::Body::kChunked) {
    at = put("Transfer-Encoding: chunked\r\n", at);
  } else if (head.body == ReplyHead::Body::kLength && !is_bodiless(head.status)) {
    at = put("Content-Length: ", at);
    at = put_number(head.length, at);
    at = put("\r\n", at);
  }
  if (!head.connection.empty()) {
    at = put("Connection: ", at);
    at = put(head.connection, at);
    at = put("\r\n", at);
  }
  at = put("\r\n", at);
  out.resize(static_cast<std::size_t>(at - out.data()));
}

void append_chunk_header(std::size_t size, std::string& out) {
  char digits[kLongestNumber];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, size, 16).ptr);
  out += size == 0 ? "\r\n\r\n" : "\r\n";
}

}  // namespace httpd::http
