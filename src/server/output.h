// Reply bytes that a client has not taken yet.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <httpd/file_body.h>
#include <httpd/reply.h>

#include "net/stream.h"

namespace httpd::server {

/// A queue of pieces, written in order. Holds no memory while it is empty.
class OutputQueue {
 public:
  /// A client that takes what it gets as fast as it is sent lets others in between after so many bytes.
  static constexpr std::size_t kTurn = 1024 * 1024;

  [[nodiscard]] bool empty() const noexcept { return pieces_ == nullptr; }
  /// Bytes that wait.
  [[nodiscard]] std::uint64_t size() const noexcept;
  void append_copy(std::string_view bytes);
  /// `done` bytes at the front have been written already.
  void append(std::string bytes, std::size_t done = 0);
  void append(LentBytes bytes, std::size_t done = 0);
  void append(FileBody file);
  /// Writes as much as the stream takes, but no more than kTurn: then `again` is set. `bytes` of the result
  /// is what went out, also when it then blocked or failed.
  net::IoResult write_to(net::Stream& stream);
  void clear() noexcept { pieces_.reset(); }

 private:
  struct Piece final : LentBytes::Borrower {
    template <typename Bytes>
    Piece(Bytes its_bytes, std::uint64_t so_much_done) : bytes(std::move(its_bytes)), done(so_much_done) {}
    /// What is left goes to a memory file, if there can be one.
    void give_back() noexcept override;
    std::variant<std::string, LentBytes, FileBody> bytes;
    std::uint64_t done;
    [[nodiscard]] const FileBody* file() const noexcept { return std::get_if<FileBody>(&bytes); }
    /// Of what is no file.
    [[nodiscard]] std::string_view rest() const noexcept;
    [[nodiscard]] std::uint64_t rest_size() const noexcept;
  };
  template <typename Bytes>
  void add(Bytes bytes, std::uint64_t done);
  net::IoResult write_memory(net::Stream& stream, std::size_t most);
  void drop(std::size_t bytes) noexcept;
  // Behind a pointer: an empty deque holds half a kilobyte, and most connections never need one.
  std::unique_ptr<std::deque<Piece>> pieces_;
};

}  // namespace httpd::server
