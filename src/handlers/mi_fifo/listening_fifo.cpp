// Making and removing the FIFO.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/listening_fifo.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace httpd::mi_fifo {
namespace {

/// What chown() leaves as it is.
constexpr uid_t kSameUser = static_cast<uid_t>(-1);
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);

constexpr const char* kDraftSuffix = ".new";
constexpr const char* kRemoveIt = " (remove it, or give another fifo_name)";
constexpr const char* kNotWritable =
    " (let the daemon's user, which option -u may name, write to its folder)";
constexpr const char* kNotRoot =
    " (only root gives files to another user, and others only to groups that they are in; a daemon that was "
    "started with -u is not root here any more: leave fifo_user out, and put the user into fifo_group)";

[[noreturn]] void fail(const char* what, const std::string& path, int error) {
  throw std::system_error(error, std::system_category(), std::string(what) + " " + path);
}

/// Whether a process has the FIFO `path` open for reading. `owner` is the file's.
bool is_read(const std::string& path, uid_t owner) {
  const Descriptor writer(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (writer.is_open()) return true;
  const int error = errno;
  // One of our own with a mode that keeps its owner out cannot be asked, and is taken for a left-over.
  if (error == ENXIO || error == ENOENT || (error == EACCES && owner == ::geteuid())) return false;
  fail("cannot find out whether another process reads the FIFO", path + kRemoveIt, error);
}

}  // namespace

ListeningFifo::~ListeningFifo() {
  if (in_place()) ::unlink(settings_.fifo_name.c_str());
}

Descriptor ListeningFifo::create() {
  make_room();
  return std::exchange(fifo_, make(settings_.fifo_name));
}

void ListeningFifo::take_over() {
  const std::string& path = settings_.fifo_name;
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && !S_ISFIFO(status.st_mode))
    fail("is not a FIFO and will not be replaced:", path, EEXIST);
  const std::string draft = path + kDraftSuffix;
  if (::lstat(draft.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) ::unlink(draft.c_str());
  Descriptor made = make(draft);
  if (std::rename(draft.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(draft.c_str());
    fail("cannot replace the FIFO", path, error);
  }
  fifo_ = std::move(made);
}

Descriptor ListeningFifo::make(const std::string& path) const {
  // Only its owner may open it until it has its owner and mode.
  if (::mkfifo(path.c_str(), 0600) != 0)
    fail("cannot make the FIFO", errno == EACCES ? path + kNotWritable : path, errno);
  try {
    return open_new(path);
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
}

void ListeningFifo::make_room() const {
  const std::string& path = settings_.fifo_name;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) fail("cannot look at", path, errno);
    return;
  }
  if (!S_ISFIFO(status.st_mode)) fail("is not a FIFO and will not be replaced:", path, EEXIST);
  if (!in_place() && is_read(path, status.st_uid))
    fail("another process reads the FIFO", path + " (end that one, or give another fifo_name)", EBUSY);
  const int error = ::unlink(path.c_str()) == 0 ? 0 : errno;
  if (error != 0 && error != ENOENT) fail("cannot remove the old FIFO", path + kRemoveIt, error);
}

Descriptor ListeningFifo::open_new(const std::string& path) const {
  Descriptor file(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open()) fail("cannot open the FIFO", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("cannot look at", path, errno);
  if (!S_ISFIFO(status.st_mode) || status.st_uid != ::geteuid())
    fail("somebody replaced the FIFO", path, EEXIST);
  if (settings_.fifo_user || settings_.group()) {
    const uid_t user = settings_.fifo_user.value_or(kSameUser);
    const gid_t group = settings_.group().value_or(kSameGroup);
    if (::fchown(file.get(), user, group) != 0) fail("cannot change the owner of", path + kNotRoot, errno);
  }
  if (::fchmod(file.get(), settings_.fifo_mode) != 0) fail("cannot change the mode of", path, errno);
  return file;
}

bool ListeningFifo::in_place() const noexcept {
  struct stat file {};
  struct stat open {};
  return fifo_.is_open() && ::lstat(settings_.fifo_name.c_str(), &file) == 0 &&
         ::fstat(fifo_.get(), &open) == 0 && file.st_dev == open.st_dev && file.st_ino == open.st_ino;
}

}  // namespace httpd::mi_fifo
