// SPDX-License-Identifier: GPL-2.0-or-later
#include <http_parser.h>

#include "reference_reader.h"

namespace httpd::fuzz {
namespace {

ReferenceBuilder& builder(http_parser* parser) {
  return *static_cast<ReferenceBuilder*>(parser->data);
}

http_parser_settings make_settings() {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_message_begin = [](http_parser* parser) {
    builder(parser).begin();
    return 0;
  };
  settings.on_url = [](http_parser* parser, const char* data, std::size_t size) {
    builder(parser).add_target(data, size);
    return 0;
  };
  settings.on_header_field = [](http_parser* parser, const char* data, std::size_t size) {
    builder(parser).add_name(data, size);
    return 0;
  };
  settings.on_header_value = [](http_parser* parser, const char* data, std::size_t size) {
    builder(parser).add_value(data, size);
    return 0;
  };
  settings.on_headers_complete = [](http_parser* parser) {
    builder(parser).end_head();
    return 0;
  };
  settings.on_body = [](http_parser* parser, const char* data, std::size_t size) {
    builder(parser).add_body(data, size);
    return 0;
  };
  settings.on_message_complete = [](http_parser* parser) {
    builder(parser).complete(http_method_str(static_cast<http_method>(parser->method)));
    // So that it says where the message ended.
    http_parser_pause(parser, 1);
    return 0;
  };
  return settings;
}

}  // namespace

ReferenceReading read_by_http_parser(std::string_view input) {
  static const http_parser_settings kSettings = make_settings();
  ReferenceBuilder made;
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &made;
  std::size_t at = 0;
  for (std::size_t complete = 0; at < input.size();) {
    at += http_parser_execute(&parser, &kSettings, input.data() + at, input.size() - at);
    const http_errno error = HTTP_PARSER_ERRNO(&parser);
    if (made.reading.messages.size() > complete) {
      complete = made.reading.messages.size();
      made.end_at(at);
    }
    if (error == HPE_PAUSED) {
      http_parser_pause(&parser, 0);
    } else if (error != HPE_OK) {
      made.reading.error = http_errno_name(error);
      break;
    }
  }
  return std::move(made.reading);
}

}  // namespace httpd::fuzz
