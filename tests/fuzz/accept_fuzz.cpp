// Fuzz target: the preference between text and JSON. Each line of the input is one Accept field.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "field_lines.h"
#include "http/accept.h"
#include "require.h"

namespace {

using httpd::fuzz::require;
using httpd::http::FieldId;
using httpd::http::FieldLine;
using httpd::http::prefers_json;

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const httpd::fuzz::FieldLines field("Accept", data, size);
  const std::vector<FieldLine>& lines = field.lines;
  const std::string& joined = field.joined;
  const bool verdict = prefers_json(lines);
  // Lines are one list, unless a quotation is open at the end of one of them.
  if (joined.find('"') == std::string::npos) {
    const FieldLine one{FieldId::kOther, "Accept", joined};
    require(prefers_json({&one, 1}) == verdict);
  }
  // Of two members that fit as exactly the first one counts.
  const std::string refused = "application/json;q=0, " + joined;
  const FieldLine first{FieldId::kOther, "Accept", refused};
  require(!prefers_json({&first, 1}));
  return 0;
}
