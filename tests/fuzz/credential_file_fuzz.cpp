// Fuzz target: hashes of passwords, as lines of auth_file have them.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "require.h"
#include "server/access/credential_files.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using httpd::fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string why;
  if (httpd::server::is_good_hash(text, why)) {
    require(why.empty() && text.front() == '$' && text.find(':') == std::string_view::npos);
    require(text.find('\0') == std::string_view::npos);
  } else {
    require(!why.empty());
  }
  return 0;
}
