// Memory for secrets: no core file holds it, and it is overwritten before it is given back.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace httpd::net {

/// Pages of their own, left out of core files (MADV_DONTDUMP). Throws std::bad_alloc.
[[nodiscard]] void* allocate_secret(std::size_t bytes);
/// Overwrites and returns what allocate_secret(bytes) gave.
void free_secret(void* memory, std::size_t bytes) noexcept;

/// For few and long-lived objects: each allocation takes at least a page and some system calls.
template <typename T>
struct SecretAllocator {
  using value_type = T;
  SecretAllocator() noexcept = default;
  template <typename U>
  explicit(false) SecretAllocator(const SecretAllocator<U>& /*other*/) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(allocate_secret(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { free_secret(memory, count * sizeof(T)); }
  template <typename U>
  bool operator==(const SecretAllocator<U>& /*other*/) const noexcept {
    return true;
  }
};

/// Bytes in such memory. A vector, since a short string would lie in the object itself.
using SecretBytes = std::vector<char, SecretAllocator<char>>;

}  // namespace httpd::net
