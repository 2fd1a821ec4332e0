// Reply bytes that a client has not taken yet.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <httpd/file_body.h>
#include <httpd/reply.h>

#include "net/stream.h"

namespace httpd::server {

/// A queue of pieces, written in order. Holds no memory while it is empty.
class OutputQueue {
 public:
  /// A client that takes a file as fast as it is read lets others in between after so many bytes.
  static constexpr std::size_t kFileTurn = 1024 * 1024;

  [[nodiscard]] bool empty() const noexcept { return pieces_ == nullptr; }
  void append_copy(std::string_view bytes);
  /// `done` bytes at the front have been written already.
  void append(std::string bytes, std::size_t done = 0);
  void append(LentBytes bytes, std::size_t done = 0);
  void append(FileBody file);
  /// Writes as much as the stream takes, but no more of files than kFileTurn: then `again` is set. `bytes` of
  /// the result is what went out, also when it then blocked or failed.
  net::IoResult write_to(net::Stream& stream);
  void clear() noexcept { pieces_.reset(); }

 private:
  struct Piece {
    std::variant<std::string, LentBytes, FileBody> bytes;
    std::uint64_t done;
    [[nodiscard]] const FileBody* file() const noexcept { return std::get_if<FileBody>(&bytes); }
    /// Of what is no file.
    [[nodiscard]] std::string_view rest() const noexcept;
    [[nodiscard]] std::uint64_t rest_size() const noexcept;
  };
  void add(Piece piece);
  net::IoResult write_memory(net::Stream& stream);
  void drop(std::size_t bytes) noexcept;
  // Behind a pointer: an empty deque holds half a kilobyte, and most connections never need one.
  std::unique_ptr<std::deque<Piece>> pieces_;
};

}  // namespace httpd::server
