// Bytes in a file that has no name and that nobody can change any more (memfd_create(2)).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "net/unique_fd.h"

namespace httpd::process {

/// A sealed memory file with these pieces in it, one after the other. No descriptor when the system has no
/// memory or no descriptor left; errno says which.
[[nodiscard]] net::UniqueFd make_memory_file(std::span<const std::string_view> pieces) noexcept;

/// A file's bytes in the memory of this process. What is written to them stays in this process.
class MappedFile {
 public:
  MappedFile() noexcept = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();
  /// The first `size` bytes of a sealed memory file, which may be closed after it. False when the file is
  /// shorter or not sealed (then nobody could read it safely), or there is no memory.
  [[nodiscard]] bool map(int file, std::size_t size) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_, size_}; }

 private:
  void reset() noexcept;
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace httpd::process
