// Fuzz target: JSON-RPC requests of any content. No exception leaves handle(), and a reply is always JSON.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/mi/registry.h"
#include "harness.h"

namespace {

void add_commands(httpd::daemon::MiRegistry& registry) {
  const auto echo = [](const httpd::MiParams& params) { return httpd::MiResult(params); };
  registry.add({"echo", {}, "fuzz", "", {{{}, echo}, {{"a"}, echo}, {{"a", "b"}, echo}, {{"a", "c"}, echo}}});
  registry.add({"text", {"t"}, "fuzz", "", {{{"a"}, [](const httpd::MiParams& params) {
                                               return httpd::MiResult(params["a"].get<std::string>());
                                             }}}});
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  httpd::fuzz::SilentLog log;
  httpd::daemon::MiRegistry registry(log);
  add_commands(registry);
  const std::string text(data, data + size);
  for (const bool pretty : {false, true}) {
    const std::optional<std::string> reply = registry.handle(text, pretty);
    if (reply && !nlohmann::json::accept(*reply)) std::abort();
  }
  return 0;
}
