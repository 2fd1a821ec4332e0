// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/options.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <vector>

namespace httpd::daemon {
namespace {

Options read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "opensips-httpd");
  return read_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, Defaults) {
  const Options options = read({});
  EXPECT_EQ(options.action, Options::Action::kRun);
  EXPECT_THAT(options.config_file, ::testing::EndsWith("/opensips-httpd/opensips-httpd.cfg"));
  EXPECT_EQ(options.private_memory_mb, 16U);
  EXPECT_FALSE(options.debug);
  EXPECT_EQ(options.user, "");
  EXPECT_EQ(options.group, "");
}

TEST(Options, TakesOpenSipsLetters) {
  const Options options = read({"-f", "a.cfg", "-M", "64", "-P", "pid", "-w", "/", "-d", "-d", "-F", "-D"});
  EXPECT_EQ(options.config_file, std::filesystem::absolute("a.cfg")) << "named from here, whatever -w says";
  EXPECT_EQ(options.private_memory_mb, 64U);
  EXPECT_EQ(options.pid_file, std::filesystem::absolute("pid"));
  EXPECT_EQ(options.working_directory, "/");
  EXPECT_EQ(options.more_log, 2);
  EXPECT_TRUE(options.debug);
  EXPECT_EQ(read({"-c"}).action, Options::Action::kCheck);
  EXPECT_EQ(read({"-dd"}).more_log, 2);
  EXPECT_EQ(read({"-u", "opensips", "-g", "opensips"}).user, "opensips");
  EXPECT_EQ(read({"-g", "33"}).group, "33");
  EXPECT_EQ(read({"-m", "128", "-f", "a.cfg", "-f", "/b.cfg"}).config_file, "/b.cfg");
}

TEST(Options, MistakesEndWith255) {
  for (const std::vector<const char*>& bad : {std::vector<const char*>{"-x"},
                                              {"-f"},
                                              {"-u"},
                                              {"-g"},
                                              {"-M", "0"},
                                              {"-M", "4097"},
                                              {"-M", "many"},
                                              {"stray"}}) {
    const Options options = read(bad);
    EXPECT_EQ(options.action, Options::Action::kExit) << bad[0];
    EXPECT_EQ(options.exit_status, 255) << bad[0];
  }
}

TEST(Options, HelpAndVersionEndWell) {
  for (const char* const option : {"-h", "-V"}) {
    const Options options = read({option});
    EXPECT_EQ(options.action, Options::Action::kExit);
    EXPECT_EQ(options.exit_status, 0);
  }
}

}  // namespace
}  // namespace httpd::daemon
