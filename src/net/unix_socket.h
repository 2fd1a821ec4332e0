// Listening sockets in the Unix domain: their files appear with the right owner and mode, and go at the end.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <sys/types.h>
#include <sys/un.h>
#include <system_error>

#include "net/unique_fd.h"

namespace httpd::net {

/// Where a Unix socket is to be, and who may connect to it.
struct UnixSocketPlace {
  std::string path;            ///< absolute, at most kMaxUnixPath bytes
  mode_t mode = 0660;          ///< whatever the umask is; writing is what connecting takes
  std::optional<uid_t> user;   ///< the file's owner; unset: whoever makes it
  std::optional<gid_t> group;  ///< the file's group; unset: whatever the system gives it
};

/// A socket is made under its path with this at the end, and renamed when it is complete.
inline constexpr char kUnixDraftSuffix[] = ".new";
/// The longest path, in bytes, that leaves room for kUnixDraftSuffix in a sockaddr_un.
inline constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path) - sizeof kUnixDraftSuffix;

/// Why a Unix socket cannot be had; code() has the errno.
class UnixSocketError : public std::system_error {
 public:
  enum class Reason : char {
    kFolder,    ///< the path's folder cannot be opened, or nothing can be made in it
    kLocked,    ///< another process has held the lock on the folder for seconds
    kNoSocket,  ///< a file that is no socket stands there
    kInUse,     ///< a program answers there
    kUnclear,   ///< it cannot be found out whether a program answers there
    kOwner,     ///< the system does not let us give the file to this user or group
    kFile,      ///< the file cannot be made, or cannot replace the old one
  };
  UnixSocketError(Reason reason, int code, const char* what)
      : std::system_error(code, std::generic_category(), what), reason_(reason) {}
  [[nodiscard]] Reason reason() const noexcept { return reason_; }

 private:
  Reason reason_;
};

/// The file of a bound socket, or none. Removed with this object by the process that made it, and by no
/// process that was forked from that one; not when another file has taken its place. Who removes it while it
/// still listens can be sure that nobody is taking it over at this moment.
class UnixSocketFile {
 public:
  UnixSocketFile() noexcept = default;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;
  ~UnixSocketFile() { remove(); }
  /// The file that stands at `path`, as if this process had made it; none when none does.
  static UnixSocketFile find(const std::string& path) noexcept;
  [[nodiscard]] bool exists() const noexcept { return !path_.empty(); }
  /// It stays where it is.
  void leave() noexcept { path_.clear(); }
  /// Does now what its end would do.
  void remove() noexcept;

 private:
  friend struct UnixListener;
  UnixSocketFile(std::string path, dev_t device, ino_t inode);
  std::string path_;  // "" for none
  dev_t device_ = 0;
  ino_t inode_ = 0;
  pid_t maker_ = 0;
};

/// A Unix socket that listens at its path.
struct UnixListener {
  UniqueFd fd;  ///< non-blocking, close-on-exec
  UnixSocketFile file;

  /// Makes one; whoever can connect to it finds it listening. A socket that nobody answers at is replaced,
  /// and of several processes that start at once on the same path one alone gets it. `backlog` as in
  /// listen(2). Throws UnixSocketError.
  static UnixListener bind(const UnixSocketPlace& place, int backlog);
};

/// Finds out whether UnixListener::bind() could succeed, and changes nothing. Throws UnixSocketError.
void check_unix_place(const UnixSocketPlace& place);

/// The id of a user or group given by its number or its name; nothing when there is none of that name. The
/// largest number is 4294967294: the one above stands for "unchanged" in chown(2).
std::optional<uid_t> find_user(const std::string& user);
std::optional<gid_t> find_group(const std::string& group);

}  // namespace httpd::net
