// The FIFO that a client waits for its reply at.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "handlers/mi_fifo/descriptor.h"

namespace httpd::mi_fifo {

/// A name is usable when it is 1 to 255 bytes without '/', '.', '\\' and control characters, so that it
/// cannot lead out of the directory of reply FIFOs.
[[nodiscard]] bool valid_reply_name(std::string_view name) noexcept;

/// The writing end of one reply FIFO. The process must ignore SIGPIPE.
class ReplyPipe {
 public:
  /// Opens `directory` (ending in '/') + `name`, which must be a FIFO, neither a symbolic link nor with a
  /// second hard link. Tries once, and again for as long as `wait` when it is only that nobody has opened it
  /// for reading yet. Returns what went wrong; "" when it is open.
  [[nodiscard]] std::string open(const std::string& directory, std::string_view name,
                                 std::chrono::milliseconds wait);
  /// True when the last open() failed because nobody reads the FIFO.
  [[nodiscard]] bool unread() const noexcept { return unread_; }
  [[nodiscard]] bool is_open() const noexcept { return pipe_.is_open(); }
  /// Writes the whole of `reply`, within `wait` where the client must read to make room. Returns what went
  /// wrong; "" when the client has it, or the kernel for it.
  [[nodiscard]] std::string write(std::string_view reply, std::chrono::milliseconds wait);

 private:
  Descriptor pipe_;
  bool unread_ = false;
};

}  // namespace httpd::mi_fifo
