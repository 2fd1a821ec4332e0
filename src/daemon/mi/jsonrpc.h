// JSON-RPC 2.0 (https://www.jsonrpc.org/specification) as OpenSIPS's Management Interface speaks it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <httpd/log.h>

namespace httpd::daemon {

class MiRegistry;

/// The error codes of section 5.1, and the one that OpenSIPS adds for a command that failed without saying
/// why.
inline constexpr int kJsonRpcParseError = -32700;
inline constexpr int kJsonRpcInvalidRequest = -32600;
inline constexpr int kJsonRpcMethodNotFound = -32601;
inline constexpr int kJsonRpcInvalidParams = -32602;
inline constexpr int kJsonRpcInternalError = -32603;
inline constexpr int kJsonRpcServerError = -32000;

/// Runs the request or the batch (section 6) in `text` with the commands of `registry`, and returns the
/// reply's text; nothing for a notification, or for a batch of nothing else. A request that cannot be read is
/// answered with an error and the id null. An exception of a command other than MiError is answered with
/// -32603 and told to `log`. `pretty` indents by four spaces. Throws std::bad_alloc only.
[[nodiscard]] std::optional<std::string> run_jsonrpc(std::string_view text, bool pretty,
                                                     const MiRegistry& registry, Log& log);

}  // namespace httpd::daemon
