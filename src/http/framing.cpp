// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/framing.h"

#include <charconv>

#include "http/characters.h"
#include "http/target.h"

namespace httpd::http {
namespace {

/// Takes the next element of a comma-separated list (RFC 9110 section 5.6.1), empty ones included.
std::string_view next_element(std::string_view& list) noexcept {
  const std::size_t comma = list.find(',');
  const std::string_view element = trim_ows(list.substr(0, comma));
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return element;
}

Refusal read_content_length(std::string_view value, std::uint64_t& length) noexcept {
  if (value.empty()) return Refusal::kInvalidContentLength;
  for (const char byte : value)
    if (!is_digit(byte)) return Refusal::kInvalidContentLength;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  return error == std::errc() && end == value.data() + value.size() ? Refusal::kNone
                                                                    : Refusal::kInvalidContentLength;
}

Refusal read_transfer_encoding(std::string_view value) noexcept {
  // Only "chunked" alone is understood. Behind other codings the message is framed by it, but it could not be
  // decoded; where it is repeated or not the last, the message's length is anybody's guess.
  if (value.empty() || value.back() == ',') return Refusal::kInvalidTransferEncoding;
  unsigned chunked = 0;
  bool other = false;
  bool ends_well = false;
  while (!value.empty()) {
    const std::string_view coding = next_element(value);
    if (coding.empty()) return Refusal::kInvalidTransferEncoding;
    ends_well = iequals(coding, "chunked");
    if (ends_well) {
      ++chunked;
    } else {
      other = true;
    }
  }
  if (!ends_well || chunked > 1) return Refusal::kInvalidTransferEncoding;
  return other ? Refusal::kUnknownTransferCoding : Refusal::kNone;
}

struct Seen {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned encodings = 0;
  unsigned types = 0;
  bool close = false;
  bool keep_alive = false;
};

Refusal read_field(const FieldLine& field, Seen& seen, Framing& framing) noexcept {
  switch (field.id) {
    case FieldId::kHost:
      // RFC 9110 section 4.2.1: an http URI with an empty host is to be refused. A comma is legal in a
      // reg-name, but may as well be two Host lines that somebody on the way has joined.
      return ++seen.hosts == 1 && is_valid_host(field.value) &&
                     field.value.find(',') == std::string_view::npos
                 ? Refusal::kNone
                 : Refusal::kInvalidHost;
    case FieldId::kContentLength:
      // RFC 9112 section 6.3 lets equal values pass; the strict choice is to refuse any repetition.
      if (++seen.lengths > 1) return Refusal::kInvalidContentLength;
      return read_content_length(field.value, framing.length);
    case FieldId::kTransferEncoding:
      if (++seen.encodings > 1) return Refusal::kInvalidTransferEncoding;
      return read_transfer_encoding(field.value);
    case FieldId::kConnection:
      for (std::string_view list = field.value; !list.empty();) {
        const std::string_view option = next_element(list);
        if (iequals(option, "close")) seen.close = true;
        if (iequals(option, "keep-alive")) seen.keep_alive = true;
      }
      return Refusal::kNone;
    case FieldId::kExpect:
      for (std::string_view list = field.value; !list.empty();) {
        const std::string_view expectation = next_element(list);
        if (expectation.empty()) continue;
        if (iequals(expectation, "100-continue")) {
          framing.expects_continue = true;
        } else {
          framing.unknown_expectation = true;
        }
      }
      return Refusal::kNone;
    case FieldId::kContentType:
      return ++seen.types == 1 ? Refusal::kNone : Refusal::kRepeatedField;
    case FieldId::kAuthorization:
    case FieldId::kOrigin:
    case FieldId::kOther:
      return Refusal::kNone;
  }
  return Refusal::kNone;
}

}  // namespace

Refusal read_framing(std::span<const FieldLine> fields, bool http_1_0, Framing& framing) noexcept {
  framing = {};
  Seen seen;
  for (const FieldLine& field : fields)
    if (const Refusal refusal = read_field(field, seen, framing); refusal != Refusal::kNone) return refusal;

  if (seen.encodings > 0) {
    // RFC 9112 section 6.1: its presence in HTTP/1.0 means faulty framing, beside Content-Length likely
    // smuggling.
    if (http_1_0) return Refusal::kInvalidTransferEncoding;
    if (seen.lengths > 0) return Refusal::kConflictingLengths;
    framing.body = Framing::Body::kChunked;
  } else if (framing.length > 0) {
    framing.body = Framing::Body::kLength;
  }
  if (seen.hosts == 0 && !http_1_0) return Refusal::kMissingHost;

  framing.keep_alive = !seen.close && (!http_1_0 || seen.keep_alive);
  // RFC 9110 section 10.1.1: an HTTP/1.0 client's 100-continue is to be ignored.
  if (http_1_0 || framing.body == Framing::Body::kNone) framing.expects_continue = false;
  return Refusal::kNone;
}

}  // namespace httpd::http
