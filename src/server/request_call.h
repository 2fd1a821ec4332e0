// Calling a handler, and what becomes of its faults.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <httpd/log.h>

#include "server/dispatcher.h"
#include "server/exchange.h"

namespace httpd::server {

/// Runs the handler of the request's route or, with a `dispatcher`, has that run it elsewhere. What is thrown
/// becomes a 500 and a log line. The exchange is finished() after it, or its Reply is kept.
void answer_by_handler(Exchange& exchange, Dispatcher* dispatcher, Log& log);

/// Says in the log that the handler let the request go without answering it, if it did. Once a reply.
void log_abandoned(const Exchange& exchange, Log& log);

/// Asks `source`, of a reply of `root`, for the next piece: what BodySource::read() answers, with every fault
/// as kBroken. What is thrown ends in the log.
[[nodiscard]] std::ptrdiff_t ask_source(BodySource& source, std::uint64_t position, std::span<char> buffer,
                                        std::string_view root, Log& log);

}  // namespace httpd::server
