// The console: a page that shows what the host is doing, for the administrator who would rather look.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <httpd/handler.h>
#include <httpd/log.h>
#include <httpd/monitor.h>

namespace httpd::console {

struct ConsoleSettings {
  static constexpr std::size_t kMostViewers = 1000;
  std::size_t max_viewers = 16;  ///< event streams that may be open at a time, one for each open page
  /// What the administrator knows that as. Static storage.
  std::string_view max_viewers_parameter = "max_viewers of module console";
};

/// A handler for the console's root path. `monitor` and `log` must outlive it. Asks for
/// Monitor::statistics() at once, to know which names the page may use. Throws ConfigError for a page that
/// uses another one.
[[nodiscard]] std::unique_ptr<Handler> make_console(const Monitor& monitor, Log& log,
                                                    const ConsoleSettings& settings);

}  // namespace httpd::console
