// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/version.h"

#include <gmock/gmock.h>

namespace httpd::daemon {
namespace {

TEST(Version, NamesItselfAndItsLibraries) {
  EXPECT_THAT(version(), ::testing::StartsWith("opensips-httpd ("));
  for (const char* const library : {"Boost 1.", "fmt ", "spdlog ", "nlohmann-json ", "CLI11 "})
    EXPECT_THAT(version_text(), ::testing::HasSubstr(library));
}

TEST(Version, KnowsItsProgram) {
  EXPECT_THAT(program_path(), ::testing::EndsWith("daemon_test"));
}

}  // namespace
}  // namespace httpd::daemon
