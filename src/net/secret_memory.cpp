// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/secret_memory.h"

#include <cstring>
#include <new>
#include <sys/mman.h>

namespace httpd::net {

void* allocate_secret(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  // A kernel without it dumps the pages, and all else is as well as before.
  static_cast<void>(::madvise(memory, bytes, MADV_DONTDUMP));
  return memory;
}

void free_secret(void* memory, std::size_t bytes) noexcept {
  ::explicit_bzero(memory, bytes);
  ::munmap(memory, bytes);
}

}  // namespace httpd::net
