// What a request for a file is answered with: the file, parts of it, or that the client need not have it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <httpd/file.h>
#include <httpd/reply.h>

#include "http/parser.h"

namespace httpd::server {

/// What the handler has said of the reply, and the request that it is for.
struct FileRequest {
  const http::RequestHead& head;
  int status;
  std::string_view content_type;
  std::string_view fields;  ///< whole lines
  std::time_t now;
};

struct FileReply {
  int status;
  std::string content_type;  ///< "" for the default one
  std::string fields;        ///< whole lines: those of the handler that stay, and the engine's
  std::variant<std::string_view, FileBody, std::unique_ptr<BodySource>> body;
};

/// Looks at conditions and ranges: see Reply::send_file(). `file` has one. Throws std::bad_alloc.
[[nodiscard]] FileReply make_file_reply(const FileRequest& request, File file);

}  // namespace httpd::server
