// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/reply_head.h"

#include <algorithm>
#include <charconv>

#include "http/characters.h"
#include "http/status.h"

namespace httpd::http {
namespace {

template <typename Integer>
void append_number(Integer value, int base, std::string& out) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, base);
  out.append(digits, end);
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
  out += "HTTP/1.1 ";
  append_number(head.status, 10, out);
  out += ' ';
  out += reason_phrase(head.status);
  out += "\r\nDate: ";
  out += head.date;
  out += "\r\n";
  if (!head.content_type.empty()) {
    out += "Content-Type: ";
    out += head.content_type;
    out += "\r\n";
  }
  out += head.fields;
  if (head.body == ReplyHead::Body::kChunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (head.body == ReplyHead::Body::kLength && !is_bodiless(head.status)) {
    out += "Content-Length: ";
    append_number(head.length, 10, out);
    out += "\r\n";
  }
  if (!head.connection.empty()) {
    out += "Connection: ";
    out += head.connection;
    out += "\r\n";
  }
  out += "\r\n";
}

void append_chunk_header(std::size_t size, std::string& out) {
  append_number(size, 16, out);
  out += size == 0 ? "\r\n\r\n" : "\r\n";
}

}  // namespace httpd::http
