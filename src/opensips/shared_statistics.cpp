// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensips/shared_statistics.h"

#include <cerrno>
#include <new>
#include <sys/mman.h>
#include <system_error>

namespace httpd::opensips {

SharedStatistics::SharedStatistics() {
  void* const memory =
      ::mmap(nullptr, sizeof(server::Statistics), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "shared memory");
  statistics_ = new (memory) server::Statistics;
}

SharedStatistics::~SharedStatistics() {
  ::munmap(statistics_, sizeof(server::Statistics));
}

}  // namespace httpd::opensips
