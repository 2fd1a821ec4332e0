// Bodies that are parts of files. SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "server/connection.h"

namespace httpd::server {
namespace {
constexpr std::uint64_t kReadLimit = 16 * 1024;  // so much is cheaper to read, and to send with its head
}

/// Replaces the part of a file by its bytes where these are few. False when the file does not have them.
bool Connection::read_small_file(Exchange::Body& body) {
  const auto* const file = std::get_if<FileBody>(&body);
  if (file == nullptr || file->size() > kReadLimit) return true;
  std::string bytes(static_cast<std::size_t>(file->size()), '\0');
  if (!net::read_file({file->descriptor(), file->offset(), file->size()}, bytes.data())) {
    context_.handler_log.write(LogLevel::kError,
                               fmt::format("a file of root {} is shorter than it was, or cannot be "
                                           "read: answered with 500",
                                           exchange_->root()));
    return false;
  }
  body = std::move(bytes);
  return true;
}

/// The head has promised more bytes than the file has.
void Connection::on_file_failure() {
  context_.handler_log.write(LogLevel::kError,
                             fmt::format("a file of root {} became shorter while it was sent to {}, "
                                         "or cannot be read: connection cut",
                                         file_route_->root, client_text()));
  abort();
}

}  // namespace httpd::server
