// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/request_call.h"

#include <fmt/format.h>

#include "http/escape.h"

namespace httpd::server {

void answer_by_handler(Exchange& exchange, Dispatcher* dispatcher, Log& log) {
  std::string error;
  if (exchange.run_handler(dispatcher, error)) return;
  log.write(LogLevel::kError, fmt::format("handler of root {} failed: {}; answered with 500", exchange.root(),
                                          http::escape_for_log(error)));
  exchange.answer(500, "The handler failed\n");
}

void log_abandoned(const Exchange& exchange, Log& log) {
  if (exchange.abandoned())
    log.write(LogLevel::kError,
              fmt::format("handler of root {} let a request go without answering it; answered with 500",
                          exchange.root()));
}

}  // namespace httpd::server
