// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/spill_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace httpd::net {
namespace {

std::string content(const SpillFile& file) {
  std::string bytes(file.size(), '?');
  EXPECT_EQ(::pread(file.descriptor(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}

TEST(SpillFile, KeepsWhatIsAppended) {
  SpillFile file;
  EXPECT_EQ(file.descriptor(), -1);
  EXPECT_EQ(file.size(), 0U);
  const std::string large(1 << 20, 'x');
  ASSERT_TRUE(file.append("one "));
  ASSERT_TRUE(file.append(""));
  ASSERT_TRUE(file.append(large));
  EXPECT_EQ(content(file), "one " + large);
}

TEST(SpillFile, CannotBeChangedOnceItIsSealed) {
  SpillFile file;
  ASSERT_TRUE(file.append("text"));
  ASSERT_TRUE(file.seal());
  EXPECT_FALSE(file.append("more"));
  EXPECT_EQ(::pwrite(file.descriptor(), "X", 1, 0), -1);
  EXPECT_EQ(::ftruncate(file.descriptor(), 0), -1);
  EXPECT_EQ(content(file), "text");
}

TEST(SpillFile, BeginsAnew) {
  SpillFile file;
  ASSERT_TRUE(file.append("text"));
  const int descriptor = file.descriptor();
  file.reset();
  EXPECT_EQ(file.size(), 0U);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1) << "it is closed";
  ASSERT_TRUE(file.append("other"));
  EXPECT_EQ(content(file), "other");
}

TEST(SpillFile, SaysThatThereIsNoDescriptor) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  SpillFile file;
  EXPECT_FALSE(file.append("text"));
  EXPECT_EQ(file.size(), 0U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(file.append("text"));
}

}  // namespace
}  // namespace httpd::net
