// SPDX-License-Identifier: GPL-2.0-or-later
#include <llhttp.h>

#include "reference_reader.h"
#include "require.h"

namespace httpd::fuzz {
namespace {

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  build_with<llhttp_t>(settings);
  settings.on_message_complete = [](llhttp_t* parser) {
    static_cast<ReferenceBuilder*>(parser->data)
        ->complete(llhttp_method_name(static_cast<llhttp_method_t>(parser->method)));
    // So that it says where the message ended.
    return static_cast<int>(HPE_PAUSED);
  };
  return settings;
}

}  // namespace

ReferenceReading read_by_llhttp(std::string_view input) {
  static const llhttp_settings_t kSettings = make_settings();
  ReferenceBuilder made;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &kSettings);
  parser.data = &made;
  const char* const end = input.data() + input.size();
  const char* at = input.data();
  for (std::size_t complete = 0; at != end;) {
    const llhttp_errno_t error = llhttp_execute(&parser, at, static_cast<std::size_t>(end - at));
    if (error == HPE_OK) break;
    if (error != HPE_PAUSED && error != HPE_PAUSED_UPGRADE && error != HPE_PAUSED_H2_UPGRADE) {
      made.reading.error = llhttp_errno_name(error);
      break;
    }
    at = llhttp_get_error_pos(&parser);
    // A request to upgrade, which nothing here takes up: what follows is HTTP/1.1 as before.
    if (error == HPE_PAUSED) {
      llhttp_resume(&parser);
    } else {
      llhttp_resume_after_upgrade(&parser);
    }
    require(made.reading.messages.size() <= complete + 1);
    if (made.reading.messages.size() > complete) {
      complete = made.reading.messages.size();
      made.end_at(static_cast<std::size_t>(at - input.data()));
    }
  }
  return std::move(made.reading);
}

}  // namespace httpd::fuzz
