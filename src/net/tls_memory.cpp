// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_memory.h"

#include <cstdlib>
#include <exception>
#include <gmp.h>

#include "net/spare_memory.h"

namespace httpd::net {
namespace {

/// More than one step with a key of 16,384 bits takes.
constexpr std::size_t kSpare = 96 * 1024;

/// More than one step takes elsewhere.
constexpr std::size_t kRoom = 48 * 1024;

SpareMemory spare_memory(kSpare);

/// `memory` as for realloc(). GMP does not look at what it gets.
void* get(void* memory, std::size_t size) noexcept {
  void* got = std::realloc(memory, size);
  if (got == nullptr && spare_memory.release()) got = std::realloc(memory, size);
  if (got == nullptr) std::terminate();
  return got;
}

void* allocate(std::size_t size) noexcept {
  return get(nullptr, size);
}

void* resize(void* memory, std::size_t /*before*/, std::size_t size) noexcept {
  return get(memory, size);
}

void release(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

}  // namespace

bool prepare_tls_memory() noexcept {
  [[maybe_unused]] static const bool kInstalled = [] {
    ::mp_set_memory_functions(allocate, resize, release);
    return true;
  }();
  if (!spare_memory.fill()) return false;
  // Others below GnuTLS, libtasn1 among them, use memory that they did not get: let there be some that is
  // free.
  void* const room = std::malloc(kRoom);
  std::free(room);
  return room != nullptr;
}

}  // namespace httpd::net
