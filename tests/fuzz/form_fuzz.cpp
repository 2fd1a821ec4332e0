// Fuzz target: the forms. The first line of the input is a boundary and a Content-Type, the rest is a body.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/arguments.h"
#include "http/form.h"
#include "http/media_type.h"
#include "http/multipart.h"
#include "require.h"

namespace {

using httpd::fuzz::require;
using httpd::http::Arguments;
using httpd::http::MediaType;
using httpd::http::Refusal;

/// What holds for the arguments of a text of `input_size` bytes, however it was written.
void check(const Arguments& arguments, std::size_t input_size) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    for (const std::string_view text : {arguments.at(i).first, arguments.at(i).second}) {
      require(text.find('\0') == std::string_view::npos);
      require(text.data()[text.size()] == '\0');
      total += text.size();
    }
    require(!arguments.at(i).first.empty());
    require(arguments.find(arguments.at(i).first).has_value());
  }
  require(total <= input_size);
}

void check_equal(const Arguments& a, const Arguments& b) {
  require(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    require(a.at(i) == b.at(i));
}

bool has_larger_pair(const Arguments& arguments, std::size_t limit) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments.at(i).first.size() + arguments.at(i).second.size() > limit) return true;
  }
  return false;
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', "0123456789ABCDEF"[byte >> 4U], "0123456789ABCDEF"[byte & 0xFU]};
  }
}

void fuzz_urlencoded(std::string_view body, std::size_t limit) {
  Arguments arguments;
  const Refusal refusal = parse_urlencoded(body, {}, arguments);
  check(arguments, body.size());
  require(refusal == Refusal::kNone || refusal == Refusal::kMalformedForm);

  Arguments limited;
  const Refusal limited_refusal = parse_urlencoded(body, {.max_pair = limit}, limited);
  if (limited_refusal == Refusal::kNone) require(!has_larger_pair(limited, limit));
  if (refusal != Refusal::kNone) return;
  require(has_larger_pair(arguments, limit) == (limited_refusal == Refusal::kFormFieldTooLarge));

  std::string written;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    written += '&';
    append_escaped(arguments.at(i).first, written);
    written += '=';
    append_escaped(arguments.at(i).second, written);
  }
  Arguments again;
  require(parse_urlencoded(written, {}, again) == Refusal::kNone);
  check_equal(arguments, again);
}

void fuzz_multipart(std::string_view body, std::string_view boundary, std::size_t limit) {
  Arguments arguments;
  const Refusal refusal = parse_multipart(body, boundary, {}, arguments);
  check(arguments, body.size());
  require(arguments.size() <= 1000);
  require(refusal == Refusal::kNone || refusal == Refusal::kMalformedForm || refusal == Refusal::kFileUpload);
  if (refusal != Refusal::kNone) return;

  Arguments limited;
  const Refusal limited_refusal = parse_multipart(body, boundary, {.max_pair = limit}, limited);
  require(has_larger_pair(arguments, limit) == (limited_refusal == Refusal::kFormFieldTooLarge));

  std::string written;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto [name, value] = arguments.at(i);
    if (name.size() > 2000) return;  // with its escapes it may not fit into a part's header
    written.append("--").append(boundary).append("\r\nContent-Disposition: form-data; name=\"");
    for (const char c : name)
      written += {'\\', c};
    written.append("\"\r\n\r\n").append(value).append("\r\n");
  }
  written.append("--").append(boundary).append("--");
  Arguments again;
  require(parse_multipart(written, boundary, {}, again) == Refusal::kNone);
  check_equal(arguments, again);
}

void fuzz_media_type(std::string_view value) {
  MediaType type;
  require(parse_media_type(value, type) == !type.malformed);
  require(type.essence.size() + type.boundary.size() <= value.size());
  require(type.boundary.empty() || httpd::http::is_valid_boundary(type.boundary));
  require(!type.malformed || (type.essence.empty() && type.boundary.empty()));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line_size = std::min(input.find('\n'), input.size());
  const std::string_view line = input.substr(0, line_size);
  const std::string_view body = input.substr(std::min(line_size + 1, input.size()));
  constexpr std::size_t kLimit = 16;
  fuzz_media_type(line);
  fuzz_urlencoded(body, kLimit);
  fuzz_multipart(body, line, kLimit);
  return 0;
}
