// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/pid_file.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <httpd/module.h>

namespace httpd::daemon {
namespace {

class PidFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "pid_file_test.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    path = folder / "a.pid";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  static std::string read(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::string text;
    std::getline(stream, text);
    return text;
  }
  static void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
  }
  std::filesystem::path folder;
  std::filesystem::path path;
};

TEST_F(PidFileTest, IsThereAsLongAsItLives) {
  {
    const PidFile file(path);
    EXPECT_EQ(read(path), std::to_string(::getpid()));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(PidFileTest, RefusesWhatARunningProcessHas) {
  write(path, "1\n");
  try {
    const PidFile file(path);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("running process 1"));
  }
  EXPECT_EQ(read(path), "1");
}

TEST_F(PidFileTest, ReplacesWhatIsStale) {
  for (const std::string stale : {"", "999999999\n", "no number\n", "-5\n", "0\n"}) {
    write(path, stale);
    const PidFile file(path);
    EXPECT_EQ(read(path), std::to_string(::getpid())) << stale;
  }
}

TEST_F(PidFileTest, LeavesOthersFilesAlone) {
  const std::filesystem::path victim = folder / "victim";
  write(victim, "precious");
  std::filesystem::create_symlink(victim, path);
  {
    const PidFile file(path);
    EXPECT_EQ(read(victim), "precious");
    write(path, "1\n");  // another daemon has taken the name
  }
  EXPECT_EQ(read(path), "1");
}

TEST_F(PidFileTest, IsLeftEmptyByWhoMayNotRemoveIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  std::filesystem::permissions(folder, std::filesystem::perms{0755});
  const pid_t child = ::fork();
  if (child == 0) {
    int result = 1;
    {
      const PidFile file(path);
      if (::setresuid(65534, 65534, 65534) == 0 && read(path) == std::to_string(::getpid())) result = 0;
    }
    ::_exit(result);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(std::filesystem::file_size(path), 0U);
  const PidFile next(path);
  EXPECT_EQ(read(path), std::to_string(::getpid()));
}

TEST_F(PidFileTest, SaysWhyItCannotBeWritten) {
  try {
    const PidFile file((folder / "absent" / "a.pid").string());
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("No such file or directory"));
  }
}

}  // namespace
}  // namespace httpd::daemon
