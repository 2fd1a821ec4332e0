// Tests of making, watching and removing the FIFO.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/listening_fifo.h"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "fakes.h"

namespace httpd::mi_fifo {
namespace {

class Fifo : public testing::Test {
 protected:
  Fifo() { settings_.fifo_name = directory_.path() + "f"; }
  [[nodiscard]] bool exists() const { return std::filesystem::exists(settings_.fifo_name); }
  [[nodiscard]] struct stat status() const {
    struct stat result {};
    EXPECT_EQ(::lstat(settings_.fifo_name.c_str(), &result), 0);
    return result;
  }
  /// The text of the error that making `fifo` throws.
  static std::string refusal(ListeningFifo& fifo) {
    try {
      fifo.create();
    } catch (const std::system_error& error) {
      return error.what();
    }
    return "no refusal";
  }
  TemporaryDirectory directory_;
  FifoSettings settings_;
};

TEST_F(Fifo, IsMadeWithItsModeAndRemoved) {
  const mode_t old_mask = ::umask(077);
  {
    settings_.fifo_mode = 0666;
    ListeningFifo fifo(settings_);
    EXPECT_FALSE(fifo.in_place());
    EXPECT_FALSE(exists());
    fifo.create();
    EXPECT_TRUE(fifo.in_place());
    EXPECT_GE(fifo.descriptor(), 0);
    EXPECT_TRUE(S_ISFIFO(status().st_mode));
    EXPECT_EQ(status().st_mode & 07777U, 0666U);
  }
  EXPECT_FALSE(exists());
  ::umask(old_mask);
}

TEST_F(Fifo, IsGivenToItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  settings_.fifo_user = 1234;
  settings_.fifo_group = 5678;
  ListeningFifo fifo(settings_);
  fifo.create();
  EXPECT_EQ(status().st_uid, 1234U);
  EXPECT_EQ(status().st_gid, 5678U);
  EXPECT_EQ(status().st_mode & 07777U, 0660U);
}

TEST_F(Fifo, ReplacesAnOldFifo) {
  ASSERT_EQ(::mkfifo(settings_.fifo_name.c_str(), 0600), 0);
  const auto old = status().st_ino;
  std::filesystem::rename(settings_.fifo_name, directory_.path() + "kept");
  std::filesystem::create_hard_link(directory_.path() + "kept", settings_.fifo_name);
  ListeningFifo fifo(settings_);
  fifo.create();
  EXPECT_NE(status().st_ino, old);
  EXPECT_TRUE(fifo.in_place());
}

TEST_F(Fifo, LeavesAFifoThatSomebodyReads) {
  ASSERT_EQ(::mkfifo(settings_.fifo_name.c_str(), 0600), 0);
  const auto old = status().st_ino;
  Descriptor reader(::open(settings_.fifo_name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  {
    ListeningFifo fifo(settings_);
    const std::string text = refusal(fifo);
    EXPECT_NE(text.find("another process reads"), std::string::npos) << text;
    EXPECT_NE(text.find(settings_.fifo_name), std::string::npos) << text;
  }
  EXPECT_EQ(status().st_ino, old);
  reader.reset();
  ListeningFifo fifo(settings_);
  fifo.create();
  EXPECT_TRUE(fifo.in_place());
}

TEST_F(Fifo, ASecondOneLeavesTheFirstAlone) {
  ListeningFifo first(settings_);
  first.create();
  {
    ListeningFifo second(settings_);
    EXPECT_THROW(second.create(), std::system_error);
  }
  EXPECT_TRUE(first.in_place());
}

TEST_F(Fifo, ReplacesItsOwnAndHandsOutWhatWasOpen) {
  ListeningFifo fifo(settings_);
  EXPECT_FALSE(fifo.create().is_open());
  const Descriptor writer(::open(settings_.fifo_name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(::write(writer.get(), "left", 4), 4);
  const Descriptor old = fifo.create();
  EXPECT_TRUE(fifo.in_place());
  std::array<char, 8> text{};
  EXPECT_EQ(::read(old.get(), text.data(), text.size()), 4);
  EXPECT_LT(::read(fifo.descriptor(), text.data(), text.size()), 0);
}

/// What another user left in a folder such as /tmp.
class ForeignFifo : public Fifo {
 protected:
  static constexpr uid_t kNobody = 65534;
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may take the place of another user";
    ASSERT_EQ(::mkfifo(settings_.fifo_name.c_str(), 0600), 0);
  }
  /// As a user who does not own the file.
  std::string refusal_of_nobody(mode_t folder, mode_t file) {
    EXPECT_EQ(::chmod(directory_.path().c_str(), folder), 0);
    EXPECT_EQ(::chmod(settings_.fifo_name.c_str(), file), 0);
    EXPECT_EQ(::seteuid(kNobody), 0);
    ListeningFifo fifo(settings_);
    std::string text = refusal(fifo);
    EXPECT_EQ(::seteuid(0), 0);
    return text;
  }
};

TEST_F(ForeignFifo, ThatCannotBeRemovedIsAnError) {
  const std::string text = refusal_of_nobody(01777, 0666);
  EXPECT_NE(text.find("cannot remove the old FIFO"), std::string::npos) << text;
  EXPECT_NE(text.find(settings_.fifo_name), std::string::npos) << text;
  EXPECT_TRUE(exists());
}

TEST_F(ForeignFifo, ThatCannotBeAskedIsAnError) {
  const std::string text = refusal_of_nobody(0777, 0600);
  EXPECT_NE(text.find("cannot find out"), std::string::npos) << text;
  EXPECT_TRUE(exists());
}

TEST_F(ForeignFifo, ThatIsDeadAndCanBeRemovedIsReplaced) {
  EXPECT_EQ(refusal_of_nobody(0777, 0666), "no refusal");
}

TEST_F(Fifo, LeavesOtherFilesAlone) {
  std::ofstream(settings_.fifo_name) << "precious";
  {
    ListeningFifo fifo(settings_);
    EXPECT_THROW(fifo.create(), std::system_error);
    EXPECT_FALSE(fifo.in_place());
  }
  EXPECT_TRUE(exists());
  std::filesystem::remove(settings_.fifo_name);
  std::filesystem::create_symlink(directory_.path() + "nowhere", settings_.fifo_name);
  ListeningFifo fifo(settings_);
  EXPECT_THROW(fifo.create(), std::system_error);
  EXPECT_TRUE(std::filesystem::is_symlink(settings_.fifo_name));
}

TEST_F(Fifo, NoticesThatItIsGone) {
  ListeningFifo fifo(settings_);
  fifo.create();
  std::filesystem::remove(settings_.fifo_name);
  EXPECT_FALSE(fifo.in_place());
  fifo.create();
  EXPECT_TRUE(fifo.in_place());
}

TEST_F(Fifo, DoesNotRemoveItsReplacement) {
  {
    ListeningFifo fifo(settings_);
    fifo.create();
    std::filesystem::rename(settings_.fifo_name, directory_.path() + "moved");
    ASSERT_EQ(::mkfifo(settings_.fifo_name.c_str(), 0600), 0);
    EXPECT_FALSE(fifo.in_place());
  }
  EXPECT_TRUE(exists());
}

TEST_F(Fifo, AFailedAttemptKeepsTheOpenOne) {
  ListeningFifo fifo(settings_);
  fifo.create();
  const int descriptor = fifo.descriptor();
  std::filesystem::remove(settings_.fifo_name);
  std::ofstream(settings_.fifo_name) << "x";
  EXPECT_THROW(fifo.create(), std::system_error);
  EXPECT_EQ(fifo.descriptor(), descriptor);
}

}  // namespace
}  // namespace httpd::mi_fifo
