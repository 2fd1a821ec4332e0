// Memory that is put aside for those who may not fail. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace httpd::net {

/// A block that can be given back to malloc() when that has nothing left. Kept to the end of the process.
class SpareMemory {
 public:
  /// `bytes`: less than malloc() maps apart (128 KiB), or what is given back would go to the system.
  explicit constexpr SpareMemory(std::size_t bytes) noexcept : bytes_(bytes) {}
  SpareMemory(const SpareMemory&) = delete;
  SpareMemory& operator=(const SpareMemory&) = delete;
  ~SpareMemory() = default;

  /// Puts it aside, if it is not there. False when there is no memory for that.
  [[nodiscard]] bool fill() noexcept {
    if (memory_ == nullptr) memory_ = std::malloc(bytes_);
    return memory_ != nullptr;
  }
  /// Gives it back: what is allocated next finds it. False when it is not there. From any thread.
  bool release() noexcept {
    void* const memory = memory_.exchange(nullptr);
    std::free(memory);
    return memory != nullptr;
  }

 private:
  std::size_t bytes_;
  std::atomic<void*> memory_ = nullptr;
};

}  // namespace httpd::net
