// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/memory_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace httpd::process {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

bool write_all(int file, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

net::UniqueFd make_memory_file(std::span<const std::string_view> pieces) noexcept {
  net::UniqueFd file(::memfd_create("httpd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return file;
  for (const std::string_view piece : pieces)
    if (!write_all(file.get(), piece)) return {};
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return {};
  return file;
}

bool read_exactly(int file, std::uint64_t offset, char* buffer, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t count = ::pread(file, buffer, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    buffer += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
  return true;
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
