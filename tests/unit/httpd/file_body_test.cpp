// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <httpd/file_body.h>

namespace httpd {
namespace {

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}

TEST(FileBody, ClosesItsDescriptorOnce) {
  const int descriptor = ::memfd_create("test", MFD_CLOEXEC);
  {
    FileBody first(descriptor, 3, 5);
    EXPECT_EQ(first.descriptor(), descriptor);
    EXPECT_EQ(first.offset(), 3U);
    EXPECT_EQ(first.size(), 5U);
    const FileBody second = std::move(first);
    EXPECT_EQ(first.descriptor(), -1);  // NOLINT(bugprone-use-after-move): what is left of it is told
    EXPECT_EQ(second.descriptor(), descriptor);
    EXPECT_TRUE(is_open(descriptor));
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(FileBody, AnAssignmentClosesWhatWasThere) {
  const int old = ::memfd_create("old", MFD_CLOEXEC);
  const int fresh = ::memfd_create("new", MFD_CLOEXEC);
  FileBody body(old, 0, 1);
  body = FileBody(fresh, 1, 2);
  EXPECT_FALSE(is_open(old));
  EXPECT_EQ(body.descriptor(), fresh);
  EXPECT_EQ(body.offset(), 1U);
  EXPECT_EQ(body.size(), 2U);
}

TEST(FileBody, MayBeToldToLetGo) {
  const int descriptor = ::memfd_create("test", MFD_CLOEXEC);
  {
    FileBody body(descriptor, 0, 1);
    EXPECT_EQ(body.release(), descriptor);
    EXPECT_EQ(body.descriptor(), -1);
  }
  EXPECT_TRUE(is_open(descriptor));
  ::close(descriptor);
}

}  // namespace
}  // namespace httpd
