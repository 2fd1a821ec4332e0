// SPDX-License-Identifier: GPL-2.0-or-later
#include "connection_replies.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "http/parser.h"
#include "message_reader.h"
#include "require.h"

namespace httpd::fuzz {
namespace {

int read_status(std::string_view line) {
  require(line.size() >= 13 && line.starts_with("HTTP/1.1 ") && line[12] == ' ');
  const std::optional<unsigned long long> status = read_number(line.substr(9, 3), 10);
  require(status && (*status == 100 || (*status >= 200 && *status <= 599)));
  return static_cast<int>(*status);
}

/// The fields that must be there, or must not, or not together.
void check_fields(const PlainHead& head, int status) {
  const std::size_t lengths = head.count("Content-Length");
  const std::size_t encodings = head.count("Transfer-Encoding");
  require(lengths + encodings <= 1 && head.count("Connection") <= 1);
  if (status == 100) return require(head.fields.empty());
  require(head.count("Date") == 1 && head.value("Date").size() == 29);
  require(head.count("Content-Type") == (status == 204 || status == 304 ? 0 : 1));
  if (status == 204 || status == 304) require(lengths + encodings == 0);
  if (status == 405) require(head.count("Allow") == 1);
  if (encodings == 1) require(head.value("Transfer-Encoding") == "chunked");
}

/// Reads one body after the other from what is left of the output.
class BodyReader {
 public:
  BodyReader(std::string_view& rest, const Ending& ending) : rest_(rest), ending_(ending) {}

  /// False when the body is not all there, which only a cut connection may do.
  bool read(const PlainHead& head, PlainReply& reply) {
    if (head.count("Transfer-Encoding") == 1) return read_chunked(reply.body);
    if (head.count("Content-Length") == 1) return read_counted(head, reply);
    require(reply.closes && (ending_.ended || ending_.cut));
    take(rest_.size(), reply.body);
    return true;
  }

 private:
  bool read_chunked(std::string& body) {
    const std::optional<PlainChunks> chunks = read_chunks(rest_);
    if (!chunks) return incomplete();
    body = chunks->body;
    rest_.remove_prefix(chunks->size);
    return true;
  }
  bool read_counted(const PlainHead& head, PlainReply& reply) {
    const std::optional<unsigned long long> length = read_number(head.value("Content-Length"), 10);
    require(length.has_value());
    // The refusal of a HEAD request that is wrong has no body, as far as the server could read it.
    if (rest_.empty() && reply.closes && reply.status >= 400) return true;
    if (*length > rest_.size()) return incomplete();
    take(*length, reply.body);
    return true;
  }
  bool incomplete() {
    require(ending_.cut);
    rest_ = {};
    return false;
  }
  void take(std::size_t size, std::string& body) {
    body.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }

  std::string_view& rest_;
  const Ending& ending_;
};

std::string join_fields(const PlainHead& head) {
  std::string joined;
  for (const auto& [name, value] : head.fields)
    if (name != "Date") joined.append(name).append(": ").append(value).append("\n");
  return joined;
}

}  // namespace

Expectation expect_replies(std::string_view input, const http::Limits& limits) {
  using State = http::RequestParser::State;
  Expectation expectation;
  http::RequestParser parser(limits);
  for (;;) {
    input.remove_prefix(http::leading_empty_lines(input));
    parser.reset();
    if (input.empty() || parser.parse_head(input) != State::kComplete) return expectation;
    expectation.heads.push_back(parser.head().method == Method::kHead);
    input.remove_prefix(parser.head_size());
    std::size_t consumed = 0;
    if (parser.parse_body(input, nullptr, std::numeric_limits<std::uint64_t>::max(), http::Refusal::kNone,
                          consumed) != State::kComplete)
      return expectation;
    expectation.first_is_whole = true;
    input.remove_prefix(consumed);
  }
}

std::vector<PlainReply> read_replies(std::string_view output, const Expectation& expectation,
                                     const Ending& ending) {
  std::vector<PlainReply> replies;
  while (!output.empty()) {
    // Nothing may follow a reply that says it is the last.
    require(replies.empty() || !replies.back().closes);
    const std::optional<PlainHead> head = read_head(output);
    if (!head) {
      require(ending.cut);
      break;
    }
    output.remove_prefix(head->size);
    PlainReply reply;
    reply.status = read_status(head->start_line);
    check_fields(*head, reply.status);
    if (reply.status == 100) continue;
    reply.closes = same_name(head->value("Connection"), "close");
    reply.fields = join_fields(*head);
    const bool to_head = replies.size() < expectation.heads.size() && expectation.heads[replies.size()];
    const bool bodiless = to_head || reply.status == 204 || reply.status == 304;
    if (!bodiless && !BodyReader(output, ending).read(*head, reply)) break;
    replies.push_back(std::move(reply));
  }
  // One for each request, and one to refuse what comes after them.
  require(replies.size() <= expectation.heads.size() + 1);
  if (!replies.empty() && replies.back().closes) require(ending.ended || ending.cut);
  return replies;
}

}  // namespace httpd::fuzz
