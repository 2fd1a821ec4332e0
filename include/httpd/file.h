// A regular file opened to be sent as a reply, with what conditional requests and ranges need to know of it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include <httpd/file_body.h>

namespace httpd {

/// An open file for Reply::send_file(), or the reason why there is none. Owns its descriptor; move-only.
///
/// Regular files alone: a directory, a FIFO or a device is an error, and never blocks.
class File {
 public:
  /// Opens `path`, which the administrator or the program chose: symbolic links are followed. Blocks as long
  /// as the file system does. This and the next three throw std::bad_alloc.
  [[nodiscard]] static File open(const char* path) { return from_descriptor(::open(path, kOpenFlags)); }

  /// Opens `path`, which a client may have chosen, below the directory that the descriptor `directory` (which
  /// may be one of O_PATH) stands for. Nothing outside is ever opened: error() is EXDEV for an absolute path,
  /// for too many "..", and for a symbolic link that leads out. A link that stays inside is followed. Where
  /// the kernel has no openat2(2) (before 5.6), or a filter forbids it, this is open_without_links().
  [[nodiscard]] static File open_beneath(int directory, const char* path) {
    struct {
      std::uint64_t flags, mode, resolve;
    } how{kOpenFlags, 0, kResolveBeneath | kResolveNoMagicLinks};
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const long descriptor = ::syscall(kOpenat2, directory, path, &how, sizeof how);
      if (descriptor >= 0) return from_descriptor(static_cast<int>(descriptor));
      // Something was renamed on the way, and the kernel could not tell whether a ".." leads out.
      if (errno != EAGAIN) break;
    }
    return errno == ENOSYS || errno == EPERM ? open_without_links(directory, path) : from_descriptor(-1);
  }

  /// The same, but follows no symbolic link (error() is ELOOP, or ENOTDIR where a directory is wanted), and
  /// takes no ".." at all (EXDEV).
  [[nodiscard]] static File open_without_links(int directory, const char* path) {
    if (*path == '/') return {-1, EXDEV};
    if (*path == '\0') return {-1, ENOENT};
    FileBody at(::fcntl(directory, F_DUPFD_CLOEXEC, 0), 0, 0);
    std::string_view rest = path;
    for (bool last = false; !last && at.descriptor() >= 0;) {
      const std::string_view segment = rest.substr(0, rest.find('/'));
      last = segment.size() == rest.size();
      if (segment == "..") return {-1, EXDEV};
      if (segment.size() > kLongestName) return {-1, ENAMETOOLONG};
      char name[kLongestName + 1]{'.'};
      segment.copy(name, segment.size());
      const int flags = last ? kOpenFlags : O_PATH | O_CLOEXEC | O_DIRECTORY;
      at = FileBody(::openat(at.descriptor(), name, flags | O_NOFOLLOW), 0, 0);
      if (!last) rest.remove_prefix(segment.size() + 1);
    }
    return from_descriptor(at.release());
  }

  /// Takes over `descriptor`, open for reading. With -1, error() is what errno says.
  [[nodiscard]] static File from_descriptor(int descriptor) { return {descriptor, errno}; }

  /// True when there is a file to send.
  [[nodiscard]] explicit operator bool() const noexcept { return body_.descriptor() >= 0; }
  /// Why there is none: an errno, among them EISDIR for a directory, and EINVAL for what else is no regular
  /// file. 0 when there is one.
  [[nodiscard]] int error() const noexcept { return error_; }
  /// The length in bytes when the file was opened: so much is sent, whatever happens to the file.
  [[nodiscard]] std::uint64_t size() const noexcept { return body_.size(); }
  /// The time of the last modification in seconds since 1970, for the Last-Modified field (RFC 9110
  /// section 8.8.2); nothing when it is not to be told.
  [[nodiscard]] std::optional<std::time_t> modified() const noexcept { return modified_; }
  /// The entity tag (RFC 9110 section 8.8.3), `"..."` or `W/"..."`; "" for none.
  ///
  /// Unless it was set it is made from the file's number, size and time of change (ctime, which no program
  /// can set back). It is a strong one unless that time was less than two seconds ago: the clock of file
  /// systems is coarse, and another change in the same tick would not be seen. A program that writes to the
  /// file through a mapping may change it without moving its times at once.
  [[nodiscard]] const std::string& entity_tag() const noexcept { return entity_tag_; }

  /// Replaces the time of the last modification.
  File& set_modified(std::optional<std::time_t> time) noexcept {
    modified_ = time;
    return *this;
  }
  /// Replaces the entity tag; "" for none. Throws std::invalid_argument for what is no entity tag.
  File& set_entity_tag(std::string tag) {
    if (!tag.empty() && !is_entity_tag(tag)) throw std::invalid_argument("not an entity tag");
    entity_tag_ = std::move(tag);
    return *this;
  }
  /// The bytes alone, for Reply::send(FileBody).
  [[nodiscard]] FileBody release() && noexcept { return std::move(body_); }

 private:
  static constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // a FIFO would block
  static constexpr long kOpenat2 = 437;  // on every architecture; the C library's headers may not know it
  static constexpr std::uint64_t kResolveNoMagicLinks = 0x02;  // <linux/openat2.h>
  static constexpr std::uint64_t kResolveBeneath = 0x08;
  static constexpr int kAttempts = 4;
  static constexpr std::time_t kSettled = 2;  // seconds after which a change would move the time of change

  File(int descriptor, int error) : body_(descriptor, 0, 0), error_(descriptor < 0 ? error : 0) {
    struct stat status {};
    if (descriptor >= 0 && ::fstat(descriptor, &status) != 0) {
      error_ = errno;
    } else if (descriptor >= 0 && !S_ISREG(status.st_mode)) {
      error_ = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    }
    if (error_ != 0) {
      body_ = FileBody(-1, 0, 0);
      return;
    }
    body_ = FileBody(body_.release(), 0, static_cast<std::uint64_t>(status.st_size));
    modified_ = status.st_mtim.tv_sec;
    make_entity_tag(status);
  }

  void make_entity_tag(const struct stat& status) {
    std::timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::uint64_t hash = 0;
    for (const std::uint64_t part :
         {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_ctim.tv_sec),
          static_cast<std::uint64_t>(status.st_ctim.tv_nsec)})
      hash = mix(hash ^ part);
    if (status.st_ctim.tv_sec + kSettled > now.tv_sec) entity_tag_ = "W/";
    entity_tag_ += '"';
    append_hex(hash);
    entity_tag_ += '-';
    append_hex(static_cast<std::uint64_t>(status.st_size));
    entity_tag_ += '"';
  }

  /// The finaliser of SplitMix64: every bit of the number moves every bit of the result.
  static constexpr std::uint64_t mix(std::uint64_t number) noexcept {
    number += 0x9E3779B97F4A7C15U;
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9U;
    number = (number ^ (number >> 27)) * 0x94D049BB133111EBU;
    return number ^ (number >> 31);
  }

  void append_hex(std::uint64_t number) {
    int shift = 60;
    while (shift > 0 && number >> shift == 0)
      shift -= 4;
    for (; shift >= 0; shift -= 4)
      entity_tag_ += "0123456789abcdef"[number >> shift & 15];
  }

  static bool is_entity_tag(std::string_view tag) noexcept {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return false;
    return std::ranges::all_of(tag.substr(1, tag.size() - 2), [](char byte) {
      const auto code = static_cast<unsigned char>(byte);
      return code > ' ' && code != '"' && code != 0x7F;
    });
  }

  static constexpr std::size_t kLongestName = 255;  // NAME_MAX
  FileBody body_;
  int error_;
  std::optional<std::time_t> modified_;
  std::string entity_tag_;
};

}  // namespace httpd
