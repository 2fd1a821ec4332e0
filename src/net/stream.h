// Byte streams over a connected socket: plain ones, and the interface that encrypted ones share with them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <sys/uio.h>

#include "net/unique_fd.h"

namespace httpd::net {

/// What an attempt to read or write came to.
struct IoResult {
  enum class State : char {
    kDone,     ///< `bytes` were moved (at least one)
    kBlocked,  ///< nothing could be moved; an event will tell when to try again
    kEnd,      ///< read only: the peer has finished sending
    kFailed,   ///< the connection is broken
  };
  State state;
  std::size_t bytes = 0;
};

/// A non-blocking byte stream. The owner watches descriptor() edge-triggered and remembers what is readable.
class Stream {
 public:
  virtual ~Stream() = default;
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
  /// Reads at most `size` bytes (> 0) to `buffer`.
  virtual IoResult read(char* buffer, std::size_t size) noexcept = 0;
  /// Writes as much as goes of the pieces, in order.
  virtual IoResult write(std::span<const iovec> pieces) noexcept = 0;
  /// Tells the peer that nothing more will come; reading goes on.
  virtual void finish_writing() noexcept = 0;
};

/// TCP (or Unix) as it is.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  [[nodiscard]] int descriptor() const noexcept override { return fd_.get(); }
  IoResult read(char* buffer, std::size_t size) noexcept override;
  IoResult write(std::span<const iovec> pieces) noexcept override;
  void finish_writing() noexcept override;

 private:
  UniqueFd fd_;
};

}  // namespace httpd::net
