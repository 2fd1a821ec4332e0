// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/unix_socket.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utility>

namespace httpd::net {
namespace {

using Reason = UnixSocketError::Reason;
constexpr int kBacklog = 8;

/// 0 when a client can connect, else the errno.
int try_connect(const std::string& path, int type = SOCK_STREAM) {
  const UniqueFd client(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

class UnixSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "unix_socket_test.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    place.path = folder / "a.sock";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] struct stat status() const {
    struct stat result {};
    EXPECT_EQ(::lstat(place.path.c_str(), &result), 0);
    return result;
  }
  /// A socket at the path that nobody answers at.
  void leave_stale() const { bind_raw(SOCK_STREAM); }
  UniqueFd bind_raw(int type, const std::string& suffix) const {
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (place.path + suffix).copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  UniqueFd bind_raw(int type) const { return bind_raw(type, ""); }
  /// Why binding fails, and that checking comes to the same; the reason and the errno.
  [[nodiscard]] std::pair<Reason, int> refusal() const {
    try {
      check_unix_place(place);
      ADD_FAILURE() << "the check did not see it";
    } catch (const UnixSocketError&) {
    }
    return bind_refusal();
  }
  [[nodiscard]] std::pair<Reason, int> bind_refusal() const {
    try {
      const UnixListener listener = UnixListener::bind(place, kBacklog);
      ADD_FAILURE() << "no error";
    } catch (const UnixSocketError& error) {
      return {error.reason(), error.code().value()};
    }
    return {};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  std::filesystem::path folder;
  UnixSocketPlace place;
};

TEST_F(UnixSocketTest, ListensWithItsModeWhateverTheUmaskIs) {
  for (const mode_t mode : {0U, 0600U, 0660U, 0666U, 0777U}) {
    for (const mode_t umask : {0U, 022U, 0777U}) {
      place.mode = mode;
      const mode_t before = ::umask(umask);
      const UnixListener listener = UnixListener::bind(place, kBacklog);
      ::umask(before);
      EXPECT_EQ(status().st_mode, S_IFSOCK | mode);
      EXPECT_EQ(files(), 1U) << "and nothing beside it";
      EXPECT_EQ(try_connect(place.path),
                mode == 0666 || ::geteuid() == 0 || (mode & 0200U) != 0 ? 0 : EACCES);
    }
  }
}

TEST_F(UnixSocketTest, TheDescriptorIsReadyForUse) {
  const UnixListener listener = UnixListener::bind(place, kBacklog);
  EXPECT_NE(::fcntl(listener.fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::accept(listener.fd.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(UnixSocketTest, BelongsToWhomItIsGiven) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  place.user = 12345;
  place.group = 54321;
  const UnixListener listener = UnixListener::bind(place, kBacklog);
  EXPECT_EQ(status().st_uid, 12345U);
  EXPECT_EQ(status().st_gid, 54321U);
  EXPECT_EQ(status().st_mode & 07777U, 0660U);
}

TEST_F(UnixSocketTest, AnOwnerThatIsRefusedIsAnErrorAndLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ::chmod(folder.c_str(), 0777);
  const pid_t child = ::fork();
  if (child == 0) {
    int result = 1;
    if (::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0) {
      place.user = 0;
      const auto [reason, code] = bind_refusal();
      result = reason == Reason::kOwner && code == EPERM && files() == 0 ? 0 : 2;
    }
    ::_exit(result);
  }
  int result = 0;
  ASSERT_EQ(::waitpid(child, &result, 0), child);
  EXPECT_EQ(result, 0);
}

TEST_F(UnixSocketTest, TakesAStaleSocketOver) {
  leave_stale();
  ASSERT_EQ(try_connect(place.path), ECONNREFUSED);
  const ino_t old = status().st_ino;
  check_unix_place(place);
  EXPECT_EQ(status().st_ino, old) << "checking takes nothing over";
  const UnixListener listener = UnixListener::bind(place, kBacklog);
  EXPECT_NE(status().st_ino, old);
  EXPECT_EQ(try_connect(place.path), 0);
}

TEST_F(UnixSocketTest, TakesAStaleDraftOver) {
  bind_raw(SOCK_STREAM, kUnixDraftSuffix);
  const UnixListener listener = UnixListener::bind(place, kBacklog);
  EXPECT_EQ(files(), 1U);
}

TEST_F(UnixSocketTest, LeavesALiveSocketAlone) {
  const UnixListener live = UnixListener::bind(place, kBacklog);
  const ino_t before = status().st_ino;
  EXPECT_EQ(refusal(), std::pair(Reason::kInUse, EADDRINUSE));
  EXPECT_EQ(status().st_ino, before);
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(try_connect(place.path), 0);
}

TEST_F(UnixSocketTest, ASocketWithoutRoomForAnotherClientIsLive) {
  const UnixListener live = UnixListener::bind(place, 0);
  EXPECT_EQ(try_connect(place.path), 0);
  ASSERT_EQ(try_connect(place.path), EAGAIN);
  EXPECT_EQ(refusal(), std::pair(Reason::kInUse, EADDRINUSE));
}

TEST_F(UnixSocketTest, ASocketOfAnotherTypeIsLive) {
  const UniqueFd datagrams = bind_raw(SOCK_DGRAM);
  ASSERT_EQ(try_connect(place.path), EPROTOTYPE);
  EXPECT_EQ(refusal(), std::pair(Reason::kInUse, EADDRINUSE));
}

TEST_F(UnixSocketTest, NeverTouchesWhatIsNoSocket) {
  const std::array<std::function<void(const std::string&)>, 4> makers{
      [](const std::string& path) { std::ofstream(path) << "precious"; },
      [](const std::string& path) { std::filesystem::create_directory(path); },
      [](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); },
      [this](const std::string& path) { std::filesystem::create_symlink(folder / "elsewhere.sock", path); },
  };
  for (std::size_t i = 0; i < makers.size(); ++i) {
    makers.at(i)(place.path);
    const ino_t before = status().st_ino;
    EXPECT_EQ(refusal(), std::pair(Reason::kNoSocket, EEXIST)) << i;
    EXPECT_EQ(status().st_ino, before) << i;
    std::filesystem::remove(place.path);
    makers.at(i)(place.path + kUnixDraftSuffix);
    EXPECT_EQ(bind_refusal(), std::pair(Reason::kNoSocket, EEXIST)) << i;
    EXPECT_EQ(files(), 1U) << i;
    std::filesystem::remove(place.path + kUnixDraftSuffix);
  }
}

TEST_F(UnixSocketTest, TheFolderMustBeThere) {
  place.path = folder / "absent" / "a.sock";
  EXPECT_EQ(refusal(), std::pair(Reason::kFolder, ENOENT));
  std::ofstream(folder / "file") << "x";
  place.path = folder / "file" / "a.sock";
  EXPECT_EQ(refusal(), std::pair(Reason::kFolder, ENOTDIR));
}

TEST_F(UnixSocketTest, TheLongestPathFits) {
  place.path = folder / "x";
  place.path.resize(kMaxUnixPath, 'x');
  {
    const UnixListener listener = UnixListener::bind(place, kBacklog);
    EXPECT_EQ(try_connect(place.path), 0);
  }
  place.path += 'x';
  EXPECT_EQ(bind_refusal(), std::pair(Reason::kFile, ENAMETOOLONG));
}

TEST_F(UnixSocketTest, ALockedFolderIsWaitedForButNotForEver) {
  UniqueFd held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(bind_refusal(), std::pair(Reason::kLocked, EWOULDBLOCK));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_EQ(files(), 0U);
  check_unix_place(place);  // a check needs no lock
}

/// Starts `count` processes that all bind at the same moment, and returns how many of them succeeded.
int race(const UnixSocketPlace& place, int count) {
  std::array<int, 2> start{};
  std::array<int, 2> end{};
  EXPECT_EQ(::pipe2(start.data(), O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(end.data(), O_CLOEXEC), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    ::close(start[1]);
    ::close(end[1]);
    pollfd gun{start[0], POLLIN, 0};
    ::poll(&gun, 1, -1);
    char result = 'n';
    {
      std::optional<UnixListener> listener;
      try {
        listener.emplace(UnixListener::bind(place, kBacklog));
        result = 'y';
      } catch (const UnixSocketError& error) {
        if (error.reason() != Reason::kInUse) result = 'e';
      }
      // The winner lives on until all have tried.
      pollfd over{end[0], POLLIN, 0};
      if (result == 'y') ::poll(&over, 1, -1);
    }
    ::_exit(result);
  }
  ::close(start[0]);
  ::close(end[0]);
  ::close(start[1]);
  int winners = 0;
  // Losers end by themselves: whoever is left when they have is a winner.
  for (int left = count; left > 1; --left) {
    int status = 0;
    EXPECT_GT(::waitpid(-1, &status, 0), 0);
    EXPECT_EQ(WEXITSTATUS(status), 'n');
  }
  ::close(end[1]);
  int status = 0;
  EXPECT_GT(::waitpid(-1, &status, 0), 0);
  if (WEXITSTATUS(status) == 'y') ++winners;
  return winners;
}

TEST_F(UnixSocketTest, OneOfManyWinsTheRace) {
  for (int round = 0; round < 10; ++round) {
    if (round % 2 == 1) leave_stale();
    EXPECT_EQ(race(place, 6), 1);
    EXPECT_EQ(files(), 0U) << "the winner removed its file";
  }
}

TEST_F(UnixSocketTest, TheFileGoesWithItsObject) {
  {
    UnixListener listener = UnixListener::bind(place, kBacklog);
    UnixSocketFile moved = std::move(listener.file);
    listener.file = UnixSocketFile();
    EXPECT_TRUE(std::filesystem::exists(place.path)) << "the moved object has it";
  }
  EXPECT_FALSE(std::filesystem::exists(place.path));
}

TEST_F(UnixSocketTest, AFileThatTookThePlaceStays) {
  UnixListener listener = UnixListener::bind(place, kBacklog);
  std::filesystem::remove(place.path);
  std::ofstream(folder / "other") << "x";
  std::filesystem::rename(folder / "other", place.path);
  listener.file.remove();
  EXPECT_TRUE(std::filesystem::exists(place.path));
}

TEST_F(UnixSocketTest, AForkedProcessDoesNotRemoveIt) {
  UnixListener listener = UnixListener::bind(place, kBacklog);
  const pid_t child = ::fork();
  if (child == 0) {
    listener.file.remove();
    listener = {};
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(try_connect(place.path), 0);
}

TEST(FindUser, ByNameAndByNumber) {
  EXPECT_EQ(find_user("root"), 0U);
  EXPECT_EQ(find_user("0"), 0U);
  EXPECT_EQ(find_user("4294967294"), 4294967294U);
  EXPECT_EQ(find_user("4294967295"), std::nullopt) << "stands for no change";
  EXPECT_EQ(find_user("no-such-user"), std::nullopt);
  EXPECT_EQ(find_user(""), std::nullopt);
  EXPECT_EQ(find_user("-1"), std::nullopt);
  EXPECT_EQ(find_group("root"), 0U);
  EXPECT_EQ(find_group("4711"), 4711U);
  EXPECT_EQ(find_group("4294967295"), std::nullopt);
  EXPECT_EQ(find_group("no-such-group"), std::nullopt);
}

}  // namespace
}  // namespace httpd::net
