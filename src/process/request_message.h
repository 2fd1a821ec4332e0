// A request on its way to a handler process, and there.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <httpd/request.h>

#include "net/address.h"
#include "process/message.h"
#include "server/exchange.h"

namespace httpd::process {

/// Where a request came from and to: what its head does not tell.
struct Origin {
  net::Address client;
  net::Address server;
  std::string user;                       // whose credentials it came with
  std::string request_id;                 // "" where requests have none
  std::shared_ptr<const TlsSession> tls;  // shared with the exchange; null for a request in clear
};

/// Appends `origin` to `bytes`, and reads it back; nothing when `bytes` is no origin.
void append_origin(const Origin& origin, std::string& bytes);
[[nodiscard]] std::optional<Origin> read_origin(std::string_view bytes);

/// The message that carries `request`. `origin_bytes` is written to; it and the request must stay until the
/// message is sent.
[[nodiscard]] Outgoing request_message(std::uint64_t id, const server::Exchange& request,
                                       std::string& origin_bytes);

/// The parts of a request that came; views of its payload.
struct RequestParts {
  std::string_view origin;
  std::string_view head;
  std::string_view body;  ///< followed by a NUL
};
/// Takes `payload`, all of it, to pieces; `body_file` is the body where that came in a file of its own.
/// Nothing when the header speaks of others.
[[nodiscard]] std::optional<RequestParts> request_parts(const Header& header, std::string_view payload,
                                                        std::string_view body_file) noexcept;

}  // namespace httpd::process
