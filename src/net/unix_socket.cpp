// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/unix_socket.h"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <grp.h>
#include <limits>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <utility>

namespace httpd::net {
namespace {

using Reason = UnixSocketError::Reason;

constexpr std::chrono::seconds kLockPatience{5};
constexpr std::chrono::milliseconds kLockRetry{10};

[[noreturn]] void fail(Reason reason, const char* what, int error = errno) {
  throw UnixSocketError(reason, error, what);
}

UniqueFd new_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) fail(Reason::kFile, "socket");
  return fd;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail(Reason::kFile, "path", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// The folder that the socket is to be in. Locked, it keeps others who do the same out until it is closed.
UniqueFd open_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail(Reason::kFolder, "open");
  return fd;
}

void lock(const UniqueFd& folder) {
  // Whoever may read the folder may lock it, so nobody gets to keep us waiting for ever.
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail(Reason::kFolder, "flock");
    if (std::chrono::steady_clock::now() >= deadline) fail(Reason::kLocked, "flock", EWOULDBLOCK);
    std::this_thread::sleep_for(kLockRetry);
  }
}

/// Makes sure that what stands at `path`, if anything, is a socket that nobody answers at. True when there is
/// one.
bool is_stale(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    fail(Reason::kUnclear, "lstat");
  }
  if (!S_ISSOCK(status.st_mode)) fail(Reason::kNoSocket, "lstat", EEXIST);
  const sockaddr_un address = address_of(path);
  const UniqueFd probe = new_socket();
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    fail(Reason::kInUse, "connect", EADDRINUSE);
  switch (errno) {
    case ECONNREFUSED:
      return true;
    case ENOENT:
      return false;
    case EAGAIN:      // so many wait to be answered that there is no room for us
    case EPROTOTYPE:  // somebody has it, who does not speak in streams
      fail(Reason::kInUse, "connect", EADDRINUSE);
    default:
      fail(Reason::kUnclear, "connect");
  }
}

/// The number in `text`, if it is one and nothing else.
template <class Id>
std::optional<Id> as_id(const std::string& text) {
  Id id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || stop != end || id == std::numeric_limits<Id>::max()) return std::nullopt;
  return id;
}

}  // namespace

UnixSocketFile::UnixSocketFile(std::string path, dev_t device, ino_t inode)
    : path_(std::move(path)), device_(device), inode_(inode), maker_(::getpid()) {}

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      maker_(other.maker_) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
    maker_ = other.maker_;
  }
  return *this;
}

UnixSocketFile UnixSocketFile::find(const std::string& path) noexcept {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return {};
  return {path, status.st_dev, status.st_ino};
}

void UnixSocketFile::remove() noexcept {
  struct stat status {};
  if (!path_.empty() && maker_ == ::getpid() && ::lstat(path_.c_str(), &status) == 0 &&
      status.st_dev == device_ && status.st_ino == inode_)
    ::unlink(path_.c_str());
  path_.clear();
}

UnixListener UnixListener::bind(const UnixSocketPlace& place, int backlog) {
  const std::string draft = place.path + kUnixDraftSuffix;
  const sockaddr_un address = address_of(draft);
  const UniqueFd folder = open_folder(place.path);
  lock(folder);
  is_stale(place.path);
  if (is_stale(draft) && ::unlink(draft.c_str()) != 0) fail(Reason::kFile, "unlink");

  UniqueFd fd = new_socket();
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail(errno == EACCES || errno == EROFS ? Reason::kFolder : Reason::kFile, "bind");
  struct stat status {};
  if (::lstat(draft.c_str(), &status) != 0) fail(Reason::kFile, "lstat");
  UnixSocketFile file(draft, status.st_dev, status.st_ino);
  // Links are not followed: the folder may belong to somebody who would put one there.
  if ((place.user || place.group) &&
      ::fchownat(AT_FDCWD, draft.c_str(), place.user.value_or(static_cast<uid_t>(-1)),
                 place.group.value_or(static_cast<gid_t>(-1)), AT_SYMLINK_NOFOLLOW) != 0)
    fail(Reason::kOwner, "chown");
  if (::fchmodat(AT_FDCWD, draft.c_str(), place.mode, AT_SYMLINK_NOFOLLOW) != 0) fail(Reason::kFile, "chmod");
  if (::listen(fd.get(), backlog) != 0) fail(Reason::kFile, "listen");
  if (::rename(draft.c_str(), place.path.c_str()) != 0) fail(Reason::kFile, "rename");
  file.path_ = place.path;
  return {std::move(fd), std::move(file)};
}

void check_unix_place(const UnixSocketPlace& place) {
  const UniqueFd folder = open_folder(place.path);
  if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) fail(Reason::kFolder, "access");
  is_stale(place.path);
}

std::optional<uid_t> find_user(const std::string& user) {
  if (const auto id = as_id<uid_t>(user)) return id;
  const passwd* const entry = ::getpwnam(user.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
}

std::optional<gid_t> find_group(const std::string& group) {
  if (const auto id = as_id<gid_t>(group)) return id;
  const struct group* const entry = ::getgrnam(group.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
}

}  // namespace httpd::net
