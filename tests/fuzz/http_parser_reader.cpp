// SPDX-License-Identifier: GPL-2.0-or-later
#include <http_parser.h>

#include "reference_reader.h"

namespace httpd::fuzz {
namespace {

http_parser_settings make_settings() {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  build_with<http_parser>(settings);
  settings.on_message_complete = [](http_parser* parser) {
    static_cast<ReferenceBuilder*>(parser->data)
        ->complete(http_method_str(static_cast<http_method>(parser->method)));
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
