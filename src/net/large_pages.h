// Memory in large pages. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <sys/mman.h>

namespace httpd::net {

/// Asks the kernel for large pages (madvise(2), MADV_HUGEPAGE) where `size` bytes from `begin` on will be
/// touched for the first time: one fault for 2 MiB then, and not one for 4 KiB. Where it has none, or is told
/// not to (/sys/kernel/mm/transparent_hugepage/enabled), nothing changes.
inline void prefer_large_pages(char* begin, std::size_t size) noexcept {
  constexpr std::size_t kLargePage = std::size_t{2} << 20U;
  const std::size_t skipped =
      (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  if (size >= skipped + kLargePage)
    ::madvise(begin + skipped, (size - skipped) / kLargePage * kLargePage, MADV_HUGEPAGE);
}

}  // namespace httpd::net
