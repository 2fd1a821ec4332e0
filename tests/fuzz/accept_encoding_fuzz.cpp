// Fuzz target: the choice of a content coding. Each line of the input is one Accept-Encoding field.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "field_lines.h"
#include "http/accept_encoding.h"
#include "require.h"

namespace {

using httpd::fuzz::require;
using httpd::http::choose_coding;
using httpd::http::ContentCoding;
using httpd::http::FieldId;
using httpd::http::FieldLine;

ContentCoding choose(std::string_view value) {
  const FieldLine line{FieldId::kOther, "Accept-Encoding", value};
  return choose_coding({&line, 1});
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const httpd::fuzz::FieldLines field("Accept-Encoding", data, size);
  const std::vector<FieldLine>& lines = field.lines;
  const std::string& joined = field.joined;
  const ContentCoding verdict = choose_coding(lines);
  // Lines are one list, unless a quotation is open at the end of one of them.
  if (joined.find('"') == std::string::npos) require(choose(joined) == verdict);
  // What is excluded is never taken, whatever else is said.
  require(choose("gzip;q=0, zstd;q=0, " + joined) == ContentCoding::kIdentity);
  require(choose("gzip;q=0, " + joined) != ContentCoding::kGzip);
  require(choose("zstd;q=0, " + joined) != ContentCoding::kZstd);
  // What cannot be read is no wish.
  require(choose("gzip;q=2, " + joined) == ContentCoding::kIdentity);
  return 0;
}
