// What two parsers that many servers stand on make of the bytes of a client: llhttp (Node.js) and http_parser
// (before it, and in much else). SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httpd::fuzz {

/// A request that was read to its end.
struct ReferenceMessage {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;  ///< those of the header section, in order
  std::string body;                                         ///< decoded
  std::size_t end = 0;                                      ///< where it ends in the input
};

/// What a reference has read of an input.
struct ReferenceReading {
  std::vector<ReferenceMessage> messages;
  std::string error;  ///< the reference's name for what it refuses; "" when it only wants more
  /// Where the message begins that it refuses or has not all of; the input's size when there is none.
  [[nodiscard]] std::size_t rest() const { return messages.empty() ? 0 : messages.back().end; }
};

/// What the readers share: builds the messages from a parser's callbacks.
class ReferenceBuilder {
 public:
  void begin() {
    message_ = {};
    in_name_ = in_head_ = true;
  }
  void add_target(const char* data, std::size_t size) { message_.target.append(data, size); }
  void add_name(const char* data, std::size_t size);
  void add_value(const char* data, std::size_t size);
  void end_head() { in_head_ = false; }
  void add_body(const char* data, std::size_t size) { message_.body.append(data, size); }
  void complete(std::string_view method);
  /// The parser has read up to `end`, where the message that was completed last ends.
  void end_at(std::size_t end) { reading.messages.back().end = end; }

  ReferenceReading reading;

 private:
  ReferenceMessage message_;
  bool in_head_ = true;
  bool in_name_ = true;
};

/// Has a parser's callbacks build the messages; its `data` leads to the builder. Both parsers have the same
/// ones, but what they do at the end of a message.
template <typename Parser, typename Settings>
void build_with(Settings& settings) {
  settings.on_message_begin = [](Parser* parser) {
    static_cast<ReferenceBuilder*>(parser->data)->begin();
    return 0;
  };
  settings.on_url = [](Parser* parser, const char* data, std::size_t size) {
    static_cast<ReferenceBuilder*>(parser->data)->add_target(data, size);
    return 0;
  };
  settings.on_header_field = [](Parser* parser, const char* data, std::size_t size) {
    static_cast<ReferenceBuilder*>(parser->data)->add_name(data, size);
    return 0;
  };
  settings.on_header_value = [](Parser* parser, const char* data, std::size_t size) {
    static_cast<ReferenceBuilder*>(parser->data)->add_value(data, size);
    return 0;
  };
  settings.on_headers_complete = [](Parser* parser) {
    static_cast<ReferenceBuilder*>(parser->data)->end_head();
    return 0;
  };
  settings.on_body = [](Parser* parser, const char* data, std::size_t size) {
    static_cast<ReferenceBuilder*>(parser->data)->add_body(data, size);
    return 0;
  };
}

[[nodiscard]] ReferenceReading read_by_llhttp(std::string_view input);
[[nodiscard]] ReferenceReading read_by_http_parser(std::string_view input);

}  // namespace httpd::fuzz
