// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/journal_stream.h"

#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipe.h"

namespace httpd::daemon {
namespace {

class JournalStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    struct stat file {};
    ASSERT_EQ(::fstat(pipe.writer.get(), &file), 0);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", file.st_dev, file.st_ino).c_str(), 1);
  }
  void TearDown() override { ::unsetenv("JOURNAL_STREAM"); }
  const Pipe pipe;
};

TEST_F(JournalStreamTest, IsTheOneThatTheVariableNames) {
  EXPECT_TRUE(leads_to_journal(pipe.writer.get()));
}

TEST_F(JournalStreamTest, IsNoOther) {
  EXPECT_FALSE(leads_to_journal(STDIN_FILENO));
  EXPECT_FALSE(leads_to_journal(-1));
}

TEST_F(JournalStreamTest, IsNotThereWithoutTheVariable) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(leads_to_journal(pipe.writer.get()));
  ::setenv("JOURNAL_STREAM", "", 1);
  EXPECT_FALSE(leads_to_journal(pipe.writer.get()));
}

}  // namespace
}  // namespace httpd::daemon
