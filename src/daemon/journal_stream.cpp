// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/journal_stream.h"

#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>

namespace httpd::daemon {

bool leads_to_journal(int descriptor) {
  // Who inherited the variable may have put something else on the descriptor since.
  const char* told = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (told == nullptr || ::fstat(descriptor, &file) != 0) return false;
  std::array<char, 48> found{};
  const auto end = fmt::format_to_n(found.begin(), found.size(), "{}:{}", file.st_dev, file.st_ino);
  return std::string_view(found.data(), end.size) == told;
}

}  // namespace httpd::daemon
