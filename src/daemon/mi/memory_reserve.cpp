// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/memory_reserve.h"

#include <cstddef>
#include <exception>
#include <new>

#include "net/spare_memory.h"

namespace httpd::daemon {
namespace {

/// More than the values of any document take that a command gets or gives.
constexpr std::size_t kBlock = 96 * 1024;

net::SpareMemory first_block(kBlock);
net::SpareMemory last_block(kBlock);

/// What operator new calls before it tries again.
void give_away() {
  if (first_block.release()) return;
  // Whoever allocates during the way of an exception does so in a destructor.
  if (std::uncaught_exceptions() > 0 && last_block.release()) return;
  throw std::bad_alloc();
}

}  // namespace

MemoryReserve::MemoryReserve() {
  if (!first_block.fill() || !last_block.fill()) throw std::bad_alloc();
  before_ = std::set_new_handler(give_away);
}

MemoryReserve::~MemoryReserve() {
  std::set_new_handler(before_);
}

}  // namespace httpd::daemon
