// Where something stands in a configuration file, and how errors about it read.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/position.h"

#include <cstddef>
#include <fmt/format.h>

#include <httpd/module.h>

namespace httpd::daemon {

std::string SourcePosition::text() const {
  return fmt::format("{}:{}:{}", file, line, column);
}

void fail_at(const SourcePosition& where, std::string_view message) {
  throw ConfigError(fmt::format("{}: {}", where.text(), message));
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string out;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte > 0x7e) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  if (text.size() > kLongest) out += "...";
  return out;
}

}  // namespace httpd::daemon
