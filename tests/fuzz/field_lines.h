// A field that stands on several lines, out of a fuzzer's bytes. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/framing.h"

namespace httpd::fuzz {

/// One field line for each line of the bytes, which must live as long, and the same as one list.
struct FieldLines {
  FieldLines(std::string_view name, const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      lines.push_back({http::FieldId::kOther, name, rest.substr(0, end)});
      joined += (joined.empty() ? "" : ",") + std::string(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::vector<http::FieldLine> lines;
  std::string joined;
};

}  // namespace httpd::fuzz
