// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/request_statistics.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <system_error>

#include "server/router.h"

namespace httpd::server {
namespace {

std::size_t size_for(std::size_t roots) noexcept {
  return (roots + 1) * sizeof(RootStatistics);
}

/// Clients may not choose what is counted by itself: only methods that the root takes.
std::size_t place_of(const Route* route, std::optional<Method> method) noexcept {
  if (!method) return RootStatistics::kOtherMethods;
  if (route != nullptr && !route->methods.has(*method)) return RootStatistics::kOtherMethods;
  return static_cast<std::size_t>(*method);
}

}  // namespace

RequestStatistics::RequestStatistics(std::size_t roots) : roots_(roots) {
  void* const memory = ::mmap(nullptr, size_for(roots), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "shared memory");
  // All zeros is what a constructor would write, and is there without touching a page.
  memory_ = static_cast<RootStatistics*>(memory);
}

RequestStatistics::~RequestStatistics() {
  ::munmap(memory_, size_for(roots_));
}

RootStatistics& RequestStatistics::of(const Route* route) noexcept {
  return memory_[route == nullptr ? roots_ : route->index];
}

void RequestStatistics::count(const Route* route, std::optional<Method> method, int status) noexcept {
  const int status_class = std::clamp(status / 100, 2, 5);
  of(route).requests[place_of(route, method)][static_cast<std::size_t>(status_class - 2)].add();
}

}  // namespace httpd::server
