// Fuzz target: configuration files. Whatever the bytes, parse_script() returns or throws httpd::ConfigError.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/config/script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    static_cast<void>(httpd::daemon::parse_script({reinterpret_cast<const char*>(data), size}, "fuzz.cfg"));
  } catch (const httpd::ConfigError&) {
    return 0;
  }
  return 0;
}
