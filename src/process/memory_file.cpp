// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "net/spill_file.h"

namespace httpd::process {

net::UniqueFd make_memory_file(std::span<const std::string_view> pieces) noexcept {
  net::SpillFile file;
  for (const std::string_view piece : pieces)
    if (!file.append(piece)) return {};
  if (!file.seal()) return {};
  return file.release();
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    reset();
    bytes_ = std::exchange(other.bytes_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

MappedFile::~MappedFile() {
  reset();
}

void MappedFile::reset() noexcept {
  if (bytes_ != nullptr) ::munmap(bytes_, size_);
  bytes_ = nullptr;
  size_ = 0;
}

bool MappedFile::map(int file, std::size_t size) noexcept {
  reset();
  struct stat status {};
  const int seals = ::fcntl(file, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || ::fstat(file, &status) != 0 ||
      static_cast<std::uint64_t>(status.st_size) < size)
    return false;
  if (size == 0) return true;
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED) return false;
  bytes_ = static_cast<char*>(memory);
  size_ = size;
  return true;
}

}  // namespace httpd::process
