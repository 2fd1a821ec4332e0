// Memory for those who may not fail. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace httpd::daemon {

/// While one exists, an allocation for which there is no memory gets some that was put aside: the first such,
/// and then those made while an exception is on its way. nlohmann-json allocates in its destructors, where a
/// failure would end the process. One at a time in a process; others may allocate meanwhile in threads of
/// their own.
class MemoryReserve {
 public:
  /// Puts aside what an earlier one has given away. Throws std::bad_alloc.
  MemoryReserve();
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

 private:
  void (*before_)();
};

}  // namespace httpd::daemon
