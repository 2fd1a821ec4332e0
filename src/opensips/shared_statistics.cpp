// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensips/shared_statistics.h"

#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <new>
#include <sys/mman.h>
#include <system_error>

#include <httpd/module.h>

namespace httpd::opensips {
namespace {

/// More than any root has, with all methods and a queue, and than there are without roots.
constexpr std::size_t kPerRoot = 80;
constexpr std::size_t kWithoutRoots = 256;

}  // namespace

struct SharedStatistics::Memory {
  server::Statistics counters;
  std::array<server::StatisticView, kWithoutRoots + (kMaxRoots + 1) * kPerRoot> views;
};

SharedStatistics::SharedStatistics() : requests_(kMaxRoots) {
  void* const memory = ::mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "shared memory");
  // The views are left as they are, all zeros: most are never used, and their pages need not exist.
  memory_ = static_cast<Memory*>(memory);
  new (&memory_->counters) server::Statistics;
  server::list_statistics(memory_->counters, list_);
  share();
}

SharedStatistics::~SharedStatistics() {
  ::munmap(memory_, sizeof(Memory));
}

server::Statistics& SharedStatistics::counters() const noexcept {
  return memory_->counters;
}

void SharedStatistics::add_roots(const server::Router& router, bool has_queue) {
  if (router.routes().size() > kMaxRoots)
    throw ConfigError(fmt::format("{} root paths are registered, and no more than {} can be",
                                  router.routes().size(), kMaxRoots));
  server::list_root_statistics(requests_, router, has_queue, list_);
  share();
}

void SharedStatistics::share() noexcept {
  std::size_t index = 0;
  for (const server::NamedStatistic& statistic : list_)
    new (&memory_->views[index++]) server::StatisticView(statistic.view);
}

const char* SharedStatistics::name(std::size_t index) const noexcept {
  return index < list_.size() ? list_[index].name.c_str() : nullptr;
}

std::uint64_t SharedStatistics::value(std::size_t index) const noexcept {
  return memory_->views[index].value();
}

}  // namespace httpd::opensips
