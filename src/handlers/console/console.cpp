// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/console.h"

#include "handlers/console/assets.h"
#include "handlers/console/console_handler.h"

namespace httpd::console {

std::unique_ptr<Handler> make_console(const Monitor& monitor, Log& log, const ConsoleSettings& settings) {
  return std::make_unique<ConsoleHandler>(monitor, log, settings,
                                          Content{assets(), page_template(), build()});
}

}  // namespace httpd::console
