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
  exchange.refuse(500, "The handler failed");
}

void log_abandoned(const Exchange& exchange, Log& log) {
  if (exchange.abandoned())
    log.write(LogLevel::kError,
              fmt::format("handler of root {} let a request go without answering it; answered with 500",
                          exchange.root()));
}

std::ptrdiff_t ask_source(BodySource& source, std::uint64_t position, std::span<char> buffer,
                          std::string_view root, Log& log) {
  std::ptrdiff_t count = BodySource::kBroken;
  try {
    count = source.read(position, buffer.data(), buffer.size());
  } catch (const std::exception& exception) {
    log.write(LogLevel::kError,
              fmt::format("the stream of root {} failed: {}", root, http::escape_for_log(exception.what())));
  } catch (...) {
    log.write(LogLevel::kError, fmt::format("the stream of root {} failed", root));
  }
  const bool too_much = count > static_cast<std::ptrdiff_t>(buffer.size());
  return too_much || count < BodySource::kWait ? std::ptrdiff_t{BodySource::kBroken} : count;
}

}  // namespace httpd::server
