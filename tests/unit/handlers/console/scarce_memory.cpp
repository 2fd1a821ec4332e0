// SPDX-License-Identifier: GPL-2.0-or-later
#include "scarce_memory.h"

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

int left = -1;  // allocations until the one that fails; -1: none does
bool failed = false;

}  // namespace

void* operator new(std::size_t size) {
  if (left >= 0 && left-- == 0) {
    failed = true;
    throw std::bad_alloc();
  }
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace httpd::console {

void fail_allocation_after(int count) noexcept {
  left = count;
  failed = false;
}

bool allocation_has_failed() noexcept {
  left = -1;
  return std::exchange(failed, false);
}

}  // namespace httpd::console
