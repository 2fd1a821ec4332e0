// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <httpd/file.h>

namespace httpd {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string pattern = (fs::temp_directory_path() / "httpd-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directories(folder_ / "root" / "sub");
    write("root/a.txt", "twelve bytes");
    write("root/sub/b.txt", "b");
    write("secret", "s");
    fs::create_symlink("sub/b.txt", folder_ / "root/inside");
    fs::create_symlink("sub", folder_ / "root/folder");
    fs::create_symlink("../secret", folder_ / "root/outside");
    fs::create_symlink(folder_ / "root/a.txt", folder_ / "root/absolute");
    ::mkfifo((folder_ / "root/fifo").c_str(), 0600);
    directory_ = ::open((folder_ / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  ~FileTest() override {
    ::close(directory_);
    fs::remove_all(folder_);
  }
  FileTest(const FileTest&) = delete;
  FileTest& operator=(const FileTest&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] File open(const std::string& name) const { return File::open((folder_ / name).c_str()); }
  [[nodiscard]] int beneath(const char* path) const { return File::open_beneath(directory_, path).error(); }
  [[nodiscard]] int without_links(const char* path) const {
    return File::open_without_links(directory_, path).error();
  }

  fs::path folder_;
  int directory_;
};

TEST_F(FileTest, TellsSizeAndTime) {
  const std::array<timeval, 2> times{timeval{1000000, 0}, timeval{784111777, 5}};
  ::utimes((folder_ / "root/a.txt").c_str(), times.data());
  const File file = open("root/a.txt");
  ASSERT_TRUE(file);
  EXPECT_EQ(file.error(), 0);
  EXPECT_EQ(file.size(), 12U);
  EXPECT_EQ(file.modified(), 784111777);
}

TEST_F(FileTest, WhatIsNoRegularFileIsAnError) {
  EXPECT_EQ(open("root").error(), EISDIR);
  EXPECT_EQ(open("root/fifo").error(), EINVAL) << "and does not wait for a writer";
  EXPECT_EQ(File::open("/dev/null").error(), EINVAL);
  EXPECT_EQ(open("absent").error(), ENOENT);
  EXPECT_EQ(open("secret/x").error(), ENOTDIR);
  EXPECT_FALSE(open("absent"));
  EXPECT_EQ(open("absent").size(), 0U);
  EXPECT_EQ(open("absent").entity_tag(), "");
}

TEST_F(FileTest, AFreshFileHasAWeakTagAndASettledOneAStrongOne) {
  const std::string fresh = open("root/a.txt").entity_tag();
  EXPECT_TRUE(fresh.starts_with("W/\"")) << fresh;
  const std::string settled = File::open("/etc/passwd").entity_tag();
  EXPECT_TRUE(settled.starts_with("\"")) << settled;
}

TEST_F(FileTest, TheTagChangesWithEveryChange) {
  const std::string before = open("root/a.txt").entity_tag();
  struct stat status {};
  ::stat((folder_ / "root/a.txt").c_str(), &status);
  ::usleep(20'000);
  write("root/a.txt", "12 new bytes");
  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  ::utimensat(AT_FDCWD, (folder_ / "root/a.txt").c_str(), times.data(), 0);
  const std::string after = open("root/a.txt").entity_tag();
  EXPECT_NE(before, after) << "although size and time of modification are the same";
  EXPECT_EQ(after, open("root/a.txt").entity_tag());
  EXPECT_NE(after, open("root/sub/b.txt").entity_tag());
}

TEST_F(FileTest, TagAndTimeMayBeReplaced) {
  File file = open("root/a.txt");
  EXPECT_EQ(file.set_entity_tag("W/\"v1\"").entity_tag(), "W/\"v1\"");
  EXPECT_EQ(file.set_entity_tag("\"\"").entity_tag(), "\"\"");
  EXPECT_EQ(file.set_entity_tag("").entity_tag(), "");
  for (const char* const bad :
       {"v1", "\"", "\"a", "a\"", "w/\"a\"", "\"a\"b\"", "\"a b\"", "\"a\r\n\"", "W/", "*"})
    EXPECT_THROW(file.set_entity_tag(bad), std::invalid_argument) << bad;
  EXPECT_EQ(file.set_modified(5).modified(), 5);
  EXPECT_EQ(file.set_modified(std::nullopt).modified(), std::nullopt);
}

TEST_F(FileTest, GivesItsBytesAway) {
  File file = open("root/a.txt");
  const FileBody body = std::move(file).release();
  EXPECT_EQ(body.offset(), 0U);
  EXPECT_EQ(body.size(), 12U);
  EXPECT_GE(body.descriptor(), 0);
  EXPECT_FALSE(file);  // NOLINT(bugprone-use-after-move): what is left of it is told
}

TEST_F(FileTest, NothingOutsideIsOpened) {
  EXPECT_EQ(beneath("a.txt"), 0);
  EXPECT_EQ(beneath("sub/b.txt"), 0);
  EXPECT_EQ(beneath("sub//./b.txt"), 0);
  EXPECT_EQ(beneath("../secret"), EXDEV);
  EXPECT_EQ(beneath("sub/../../secret"), EXDEV);
  EXPECT_EQ(beneath((folder_ / "secret").c_str()), EXDEV);
  EXPECT_EQ(beneath("outside"), EXDEV);
  EXPECT_EQ(beneath("absolute"), EXDEV);
  EXPECT_EQ(beneath("absent"), ENOENT);
  EXPECT_EQ(beneath(""), ENOENT);
  EXPECT_EQ(beneath("sub"), EISDIR);
  EXPECT_EQ(beneath("sub/"), EISDIR);
  EXPECT_EQ(beneath("a.txt/"), ENOTDIR);
  EXPECT_EQ(beneath("fifo"), EINVAL);
}

TEST_F(FileTest, NorByTheWayWithoutLinks) {
  EXPECT_EQ(without_links("a.txt"), 0);
  EXPECT_EQ(without_links("sub/b.txt"), 0);
  EXPECT_EQ(without_links("sub//./b.txt"), 0);
  EXPECT_EQ(without_links("../secret"), EXDEV);
  EXPECT_EQ(without_links("sub/../../secret"), EXDEV);
  EXPECT_EQ(without_links("sub/.."), EXDEV);
  EXPECT_EQ(without_links((folder_ / "secret").c_str()), EXDEV);
  EXPECT_EQ(without_links("outside"), ELOOP);
  EXPECT_EQ(without_links("inside"), ELOOP);
  EXPECT_EQ(without_links("folder/b.txt"), ENOTDIR);
  EXPECT_EQ(without_links("absent/b.txt"), ENOENT);
  EXPECT_EQ(without_links(""), ENOENT);
  EXPECT_EQ(without_links("sub"), EISDIR);
  EXPECT_EQ(without_links("sub/"), EISDIR);
  EXPECT_EQ(without_links("a.txt/"), ENOTDIR);
  EXPECT_EQ(without_links(std::string(256, 'x').c_str()), ENAMETOOLONG);
  EXPECT_EQ(without_links(std::string(255, 'x').c_str()), ENOENT);
}

TEST_F(FileTest, LinksThatStayInsideAreFollowed) {
  const File file = File::open_beneath(directory_, "inside");
  // A kernel without openat2(2) follows none.
  if (file.error() == ELOOP) GTEST_SKIP();
  EXPECT_EQ(file.size(), 1U);
  EXPECT_EQ(beneath("folder/b.txt"), 0);
}

TEST_F(FileTest, DescriptorsAreTakenOverOrClosed) {
  const int good = ::open((folder_ / "secret").c_str(), O_RDONLY | O_CLOEXEC);
  {
    const File file = File::from_descriptor(good);
    EXPECT_TRUE(file);
  }
  EXPECT_EQ(::fcntl(good, F_GETFD), -1);
  const int bad = ::open(folder_.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(File::from_descriptor(bad).error(), EISDIR);
  EXPECT_EQ(::fcntl(bad, F_GETFD), -1);
}

}  // namespace
}  // namespace httpd
