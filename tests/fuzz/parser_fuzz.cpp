// Fuzz target: the request parser. The first byte of the input chooses the size of the fragments, the second
// the limits; the rest is what a client sends. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/parser.h"
#include "message_reader.h"
#include "require.h"

namespace {

using httpd::fuzz::PlainHead;
using httpd::fuzz::require;
using httpd::fuzz::same_name;
using httpd::http::FieldId;
using httpd::http::FieldLine;
using httpd::http::Framing;
using httpd::http::Limits;
using httpd::http::Refusal;
using httpd::http::RequestHead;
using httpd::http::RequestParser;
using State = RequestParser::State;

constexpr std::uint64_t kBodyLimit = 512;

/// What came of a message, and of how many bytes.
struct Outcome {
  bool whole_head = false;
  State state = State::kMore;
  Refusal refusal = Refusal::kNone;
  std::size_t head_size = 0;
  std::size_t size = 0;
  std::string body;
};

/// The body: `consumed` bytes of what came so far are done with, the rest is given again with more behind it.
void parse_body(RequestParser& parser, std::string_view input, std::size_t arrived, std::size_t step,
                Outcome& outcome) {
  std::size_t done = outcome.head_size;
  for (;;) {
    std::size_t consumed = 0;
    const std::string_view given = input.substr(done, arrived - done);
    // In memory of its own, so that a byte read beyond it is noticed.
    const std::string copy(given);
    outcome.state = parser.parse_body(copy, &outcome.body, kBodyLimit, Refusal::kBodyTooLarge, consumed);
    require(consumed <= given.size());
    done += consumed;
    require(outcome.body.size() == parser.body_size());
    require(outcome.body.size() <= kBodyLimit);
    if (outcome.state != State::kMore || arrived == input.size()) break;
    arrived = std::min(arrived + step, input.size());
  }
  // How far it came in a message that is refused depends on the fragments.
  if (outcome.state == State::kRefused) outcome.body.clear();
  if (outcome.state == State::kComplete) outcome.size = done;
}

Outcome parse(RequestParser& parser, std::string_view input, std::size_t step) {
  Outcome outcome;
  std::size_t arrived = 0;
  do {
    arrived = std::min(arrived + step, input.size());
    const std::string copy(input.substr(0, arrived));
    outcome.state = parser.parse_head(copy);
  } while (outcome.state == State::kMore && arrived < input.size());
  if (outcome.state == State::kComplete) {
    outcome.whole_head = true;
    outcome.head_size = parser.head_size();
    require(outcome.head_size <= arrived);
    parse_body(parser, input, arrived, step, outcome);
  }
  outcome.refusal = parser.refusal();
  require((outcome.state == State::kRefused) == (outcome.refusal != Refusal::kNone));
  return outcome;
}

FieldId id_of(std::string_view name) {
  if (same_name(name, "Host")) return FieldId::kHost;
  if (same_name(name, "Content-Length")) return FieldId::kContentLength;
  if (same_name(name, "Transfer-Encoding")) return FieldId::kTransferEncoding;
  if (same_name(name, "Connection")) return FieldId::kConnection;
  if (same_name(name, "Expect")) return FieldId::kExpect;
  if (same_name(name, "Content-Type")) return FieldId::kContentType;
  return FieldId::kOther;
}

/// The only framings that pass: RFC 9112 section 6.3, without any of its leniency.
void check_framing(const PlainHead& plain, const RequestHead& head) {
  const std::size_t encodings = plain.count("Transfer-Encoding");
  const std::size_t lengths = plain.count("Content-Length");
  require(encodings + lengths <= 1);
  require(plain.count("Host") == 1 || (head.http_1_0 && plain.count("Host") == 0));
  if (encodings == 1) {
    require(!head.http_1_0 && same_name(plain.value("Transfer-Encoding"), "chunked"));
    require(head.framing.body == Framing::Body::kChunked);
  } else if (lengths == 1) {
    const std::optional<unsigned long long> length =
        httpd::fuzz::read_number(plain.value("Content-Length"), 10);
    require(length.has_value());
    require(head.framing.body == (*length == 0 ? Framing::Body::kNone : Framing::Body::kLength));
    require(head.framing.length == *length);
  } else {
    require(head.framing.body == Framing::Body::kNone);
  }
}

void check_head(const RequestHead& head, std::string_view input, std::size_t size, const Limits& limits) {
  const std::optional<PlainHead> plain = httpd::fuzz::read_head(input);
  require(plain.has_value() && plain->size == size);

  const std::string_view line = plain->start_line;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  require(first != std::string_view::npos && std::count(line.begin(), line.end(), ' ') == 2);
  require(line.substr(0, first) == head.method_text);
  require(line.substr(first + 1, last - first - 1) == head.target_text);
  require(head.target_text.size() <= limits.max_uri_size);
  const std::string_view version = line.substr(last + 1);
  require(version.size() == 8 && version.starts_with("HTTP/1."));
  require(head.http_1_0 == version.ends_with('0'));
  require(!head.method || httpd::method_name(*head.method) == head.method_text);

  require(plain->fields.size() == head.fields.size());
  const std::size_t section = size - plain->start_line.size() - sizeof("\r\n\r\n") + 1;
  require(head.fields.size() <= limits.max_header_fields && section <= limits.max_header_size);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const FieldLine& field = head.fields[i];
    const bool replaced =
        field.id == FieldId::kHost && head.target.form == httpd::http::Target::Form::kAbsolute;
    require(plain->fields[i].first == field.name);
    require(field.value == (replaced ? head.target.authority : plain->fields[i].second));
    require(field.id == id_of(field.name));
  }
  check_framing(*plain, head);
}

/// Holds what was accepted against the plain reader's view of the same bytes.
void check(const RequestParser& parser, const Outcome& outcome, std::string_view input,
           const Limits& limits) {
  if (!outcome.whole_head) return;
  check_head(parser.head(), input, outcome.head_size, limits);
  if (outcome.state != State::kComplete) return;
  const std::string_view rest = input.substr(outcome.head_size);
  const std::size_t body_bytes = outcome.size - outcome.head_size;
  switch (parser.head().framing.body) {
    case Framing::Body::kNone:
      require(body_bytes == 0 && outcome.body.empty());
      break;
    case Framing::Body::kLength:
      require(body_bytes == parser.head().framing.length && outcome.body == rest.substr(0, body_bytes));
      break;
    case Framing::Body::kChunked: {
      const std::optional<httpd::fuzz::PlainChunks> chunks = httpd::fuzz::read_chunks(rest);
      require(chunks.has_value() && chunks->size == body_bytes && chunks->body == outcome.body);
      break;
    }
  }
}

/// The fragments of a message must not change what it means, nor why it is refused.
void check_same(const Outcome& in_fragments, const Outcome& whole) {
  require(in_fragments.whole_head == whole.whole_head && in_fragments.head_size == whole.head_size);
  require(in_fragments.state == whole.state && in_fragments.refusal == whole.refusal);
  require(in_fragments.size == whole.size);
  require(whole.state != State::kComplete || in_fragments.body == whole.body);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 64;
  Limits limits;
  if (data[1] % 2 == 1)
    limits = {.max_uri_size = 32,
              .max_header_size = 128,
              .max_header_fields = 3,
              .max_trailer_size = 32,
              .max_trailer_fields = 2,
              .max_chunk_extension_size = 8};
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  std::string_view input = all.substr(2);
  input.remove_prefix(httpd::http::leading_empty_lines(input));

  RequestParser parser(limits);
  const Outcome whole = parse(parser, input, std::max<std::size_t>(input.size(), 1));
  check(parser, whole, input, limits);

  // In fragments, and with a parser that has read a message before.
  parser.reset();
  const Outcome in_fragments = parse(parser, input, step);
  check_same(in_fragments, whole);
  check(parser, in_fragments, input, limits);
  return 0;
}
