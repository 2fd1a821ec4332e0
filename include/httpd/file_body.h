// A body that is a part of an open file.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <unistd.h>
#include <utility>

namespace httpd {

/// `size` bytes of a file from `offset` on. Owns the descriptor, which is closed on destruction; move-only.
///
/// The bytes are read while they are sent, always at a position of their own: the descriptor's is neither
/// used nor moved. A file that turns out shorter than promised cuts the connection, so that the client sees
/// it.
class FileBody {
 public:
  /// Takes over `descriptor`: a regular file or a memfd_create(2), open for reading. What it holds may grow
  /// meanwhile; where it changes, the client gets some of the old bytes and some of the new ones.
  FileBody(int descriptor, std::uint64_t offset, std::uint64_t size) noexcept
      : descriptor_(descriptor), offset_(offset), size_(size) {}
  FileBody(FileBody&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), offset_(other.offset_), size_(other.size_) {}
  FileBody& operator=(FileBody&& other) noexcept {
    if (this != &other) {
      close();
      descriptor_ = std::exchange(other.descriptor_, -1);
      offset_ = other.offset_;
      size_ = other.size_;
    }
    return *this;
  }
  FileBody(const FileBody&) = delete;
  FileBody& operator=(const FileBody&) = delete;
  ~FileBody() { close(); }

  /// The descriptor, still owned by this object; -1 once it was moved away.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Where the body begins in the file, in bytes.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// The body's length in bytes.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Gives the descriptor away: the caller closes it, and this object is empty.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  void close() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  int descriptor_;
  std::uint64_t offset_;
  std::uint64_t size_;
};

}  // namespace httpd
