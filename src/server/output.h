// Reply bytes that a client has not taken yet.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <httpd/reply.h>

#include "net/stream.h"

namespace httpd::server {

/// A queue of pieces, written in order. Holds no memory while it is empty.
class OutputQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return pieces_ == nullptr; }
  void append_copy(std::string_view bytes);
  /// `done` bytes at the front have been written already.
  void append(std::string bytes, std::size_t done = 0);
  void append(LentBytes bytes, std::size_t done = 0);
  /// Writes as much as the stream takes. `bytes` of the result is what went out, also when it then blocked.
  net::IoResult write_to(net::Stream& stream);
  void clear() noexcept { pieces_.reset(); }

 private:
  struct Piece {
    std::variant<std::string, LentBytes> bytes;
    std::size_t done;
    [[nodiscard]] std::string_view rest() const noexcept;
  };
  void add(Piece piece);
  void drop(std::size_t bytes) noexcept;
  // Behind a pointer: an empty deque holds half a kilobyte, and most connections never need one.
  std::unique_ptr<std::deque<Piece>> pieces_;
};

}  // namespace httpd::server
