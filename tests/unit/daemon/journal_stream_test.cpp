// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/journal_stream.h"

#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace httpd::daemon {
namespace {

class JournalStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    reader = net::UniqueFd(ends[0]);
    writer = net::UniqueFd(ends[1]);
    struct stat file {};
    ASSERT_EQ(::fstat(writer.get(), &file), 0);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", file.st_dev, file.st_ino).c_str(), 1);
  }
  void TearDown() override { ::unsetenv("JOURNAL_STREAM"); }
  net::UniqueFd reader;
  net::UniqueFd writer;
};

TEST_F(JournalStreamTest, IsTheOneThatTheVariableNames) {
  EXPECT_TRUE(leads_to_journal(writer.get()));
}

TEST_F(JournalStreamTest, IsNoOther) {
  EXPECT_FALSE(leads_to_journal(STDIN_FILENO));
  EXPECT_FALSE(leads_to_journal(-1));
}

TEST_F(JournalStreamTest, IsNotThereWithoutTheVariable) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(leads_to_journal(writer.get()));
  ::setenv("JOURNAL_STREAM", "", 1);
  EXPECT_FALSE(leads_to_journal(writer.get()));
}

}  // namespace
}  // namespace httpd::daemon
