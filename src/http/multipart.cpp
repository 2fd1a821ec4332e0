// Splitting of a multipart form. Each byte is looked at a fixed number of times: parts do not overlap, and
// the delimiter begins with the only CR in it, so that a search for it never goes back.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/multipart.h"

#include <algorithm>
#include <string>

#include "http/characters.h"
#include "http/media_type.h"
#include "http/parameters.h"

namespace httpd::http {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMaxPartFields = 8;
constexpr std::size_t kMaxPartHeaderSize = 4096;
constexpr std::string_view kCrlf = "\r\n";

/// What matters of a part's header section.
struct PartHeader {
  std::string name;
  bool has_disposition = false;
};

/// Content-Disposition: form-data; name="..." (RFC 7578 section 4.2).
Refusal parse_disposition(std::string_view value, PartHeader& header) {
  if (header.has_disposition) return Refusal::kMalformedForm;
  header.has_disposition = true;
  const std::size_t end = std::min(value.find(';'), value.size());
  if (!iequals(trim_ows(value.substr(0, end)), "form-data")) return Refusal::kMalformedForm;
  ParameterScanner scanner(value.substr(end));
  bool has_file = false;
  while (true) {
    const ParameterScanner::Step step = scanner.next();
    if (step == ParameterScanner::Step::kMalformed) return Refusal::kMalformedForm;
    if (step == ParameterScanner::Step::kEnd) break;
    if (iequals(scanner.name(), "name")) {
      if (!header.name.empty()) return Refusal::kMalformedForm;
      scanner.copy_value(header.name);
      if (header.name.empty()) return Refusal::kMalformedForm;
    } else if (iequals(scanner.name(), "filename") || iequals(scanner.name(), "filename*")) {
      has_file = true;
    }
  }
  if (has_file) return Refusal::kFileUpload;
  return header.name.empty() ? Refusal::kMalformedForm : Refusal::kNone;
}

/// One field line of a part, without its CR LF. An obs-fold is refused with the empty name that it leads to.
Refusal parse_field(std::string_view line, PartHeader& header) {
  const std::size_t colon = line.find(':');
  if (colon == kNone || !is_token(line.substr(0, colon))) return Refusal::kMalformedForm;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim_ows(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), [](char c) { return is_field_vchar(c) || is_blank(c); })) {
    return Refusal::kMalformedForm;
  }
  if (iequals(name, "Content-Disposition")) return parse_disposition(value, header);
  if (iequals(name, "Content-Transfer-Encoding") && !iequals(value, "7bit") && !iequals(value, "8bit") &&
      !iequals(value, "binary")) {
    return Refusal::kMalformedForm;
  }
  return Refusal::kNone;
}

/// Takes the header section and the empty line after it off `part`. A part without a body may end before that
/// line: the CR LF of the empty line is then the delimiter's.
Refusal take_header(std::string_view& part, PartHeader& header) {
  std::size_t header_size = 0;
  for (std::size_t fields = 0;; ++fields) {
    if (part.empty()) break;
    const std::size_t line_size = part.substr(0, kMaxPartHeaderSize + kCrlf.size()).find(kCrlf);
    if (line_size == kNone) return Refusal::kMalformedForm;
    const std::string_view line = part.substr(0, line_size);
    part.remove_prefix(line_size + kCrlf.size());
    if (line.empty()) break;
    header_size += line_size + kCrlf.size();
    if (fields == kMaxPartFields || header_size > kMaxPartHeaderSize) return Refusal::kMalformedForm;
    const Refusal refusal = parse_field(line, header);
    if (refusal != Refusal::kNone) return refusal;
  }
  return header.has_disposition ? Refusal::kNone : Refusal::kMalformedForm;
}

Refusal parse_part(std::string_view part, std::size_t max_pair, Arguments& out) {
  PartHeader header;
  const Refusal refusal = take_header(part, header);
  if (refusal != Refusal::kNone) return refusal;
  if (part.find('\0') != kNone) return Refusal::kMalformedForm;
  if (max_pair != 0 && header.name.size() + part.size() > max_pair) return Refusal::kFormFieldTooLarge;
  out.add(header.name, part);
  return Refusal::kNone;
}

/// Takes the rest of a delimiter's line, blanks and a CR LF, off `text`; a last line may lack its CR LF.
bool take_line_end(std::string_view& text, bool is_last) noexcept {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  if (text.empty()) return is_last;
  if (!text.starts_with(kCrlf)) return false;
  text.remove_prefix(kCrlf.size());
  return true;
}

}  // namespace

Refusal parse_multipart(std::string_view body, std::string_view boundary, const FormLimits& limits,
                        Arguments& out) {
  if (!is_valid_boundary(boundary)) return Refusal::kMalformedForm;
  std::string delimiter("\r\n--");
  delimiter += boundary;
  const std::string_view dash_boundary = std::string_view(delimiter).substr(kCrlf.size());

  std::string_view rest = body;
  if (rest.starts_with(dash_boundary)) {
    rest.remove_prefix(dash_boundary.size());
  } else {
    const std::size_t first = rest.find(delimiter);
    if (first == kNone) return Refusal::kMalformedForm;
    rest.remove_prefix(first + delimiter.size());
  }
  for (std::size_t parts = 0;; ++parts) {
    if (rest.starts_with("--")) {
      rest.remove_prefix(2);
      return take_line_end(rest, true) ? Refusal::kNone : Refusal::kMalformedForm;
    }
    if (limits.max_fields != 0 && parts == limits.max_fields) return limits.too_many;
    if (!take_line_end(rest, false)) return Refusal::kMalformedForm;
    // A part that begins with a delimiter is none: the CR LF before it has just been taken.
    const std::size_t end = rest.starts_with(dash_boundary) ? kNone : rest.find(delimiter);
    if (end == kNone) return Refusal::kMalformedForm;
    const Refusal refusal = parse_part(rest.substr(0, end), limits.max_pair, out);
    if (refusal != Refusal::kNone) return refusal;
    rest.remove_prefix(end + delimiter.size());
  }
}

}  // namespace httpd::http
