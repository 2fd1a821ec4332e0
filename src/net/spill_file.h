// Bytes that are too many for a process's memory, in a memory file of their own.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "net/unique_fd.h"

namespace httpd::net {

/// A memory file (memfd_create(2)) that is appended to, and sealed at the end. There is none before the first
/// append().
class SpillFile {
 public:
  /// False when the system has no descriptor or no memory left for it; what was appended before stays.
  [[nodiscard]] bool append(std::string_view bytes) noexcept;
  /// Nobody can change the file any more, whoever gets its descriptor. False when that is not possible.
  [[nodiscard]] bool seal() noexcept;
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }
  /// In bytes.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Gives the file away.
  [[nodiscard]] UniqueFd release() noexcept;
  void reset() noexcept;

 private:
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

}  // namespace httpd::net
