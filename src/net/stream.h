// Byte streams over a connected socket: plain ones, and the interface that encrypted ones share with them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <sys/uio.h>

#include "net/unique_fd.h"

namespace httpd::net {

class TlsStream;

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
  /// Read only: nothing more is there now, and what comes later brings an event of its own. Only the end of
  /// the input may have been announced already.
  bool drained = false;
  /// Write only: more would go, but others are to have their turn first. No event will come.
  bool again = false;
  /// send_file() only, with kFailed: the connection is whole, but the file ended early or cannot be read.
  bool file_failed = false;
};

/// A part of an open file, which somebody else owns.
struct FilePart {
  int descriptor;
  std::uint64_t offset;
  std::uint64_t size;  ///< more than 0
};

/// A non-blocking byte stream. The owner watches descriptor() edge-triggered and remembers what is readable.
class Stream {
 public:
  virtual ~Stream() = default;
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
  /// Reads at most `size` bytes (> 0) to `buffer`.
  virtual IoResult read(char* buffer, std::size_t size) noexcept = 0;
  /// Writes as much as goes of the pieces, in order. What the result does not count must be offered again, in
  /// the same order, before anything else.
  virtual IoResult write(std::span<const iovec> pieces) noexcept = 0;
  /// The same where more is written at once after it: the two may share a packet.
  virtual IoResult write_with_more(std::span<const iovec> pieces) noexcept { return write(pieces); }
  /// Sends as much of a part of a file as goes in one call. kDone with less than the whole does not say that
  /// the socket is full: what follows is to be offered until the result is kBlocked. What the result does not
  /// count must be offered before anything else, as with write(). Reading may wait for the disk.
  ///
  /// sendfile(2) knows no MSG_NOSIGNAL: SIGPIPE must do no harm in this process, as in every one of a host.
  virtual IoResult send_file(const FilePart& part) noexcept = 0;
  /// Everything was said: lets the peer tell this end from a broken connection, where the protocol has words
  /// for it. Nothing is written after it, and what still arrives is not understood any more. False when the
  /// socket has no room for these words: an event will tell when to try again.
  virtual bool end() noexcept = 0;
  /// After end(): closes this direction, so that the peer sees the end while reading goes on.
  virtual void finish_writing() noexcept = 0;
  /// To be called before a destruction that must not look like an orderly end.
  void abort() noexcept;
  /// The stream as an encrypted one, whose handshake() comes before everything else; else null.
  [[nodiscard]] virtual TlsStream* tls() noexcept { return nullptr; }
};

/// TCP (or Unix) as it is.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  [[nodiscard]] int descriptor() const noexcept override { return fd_.get(); }
  IoResult read(char* buffer, std::size_t size) noexcept override;
  IoResult write(std::span<const iovec> pieces) noexcept override;
  IoResult write_with_more(std::span<const iovec> pieces) noexcept override;
  IoResult send_file(const FilePart& part) noexcept override;
  bool end() noexcept override { return true; }
  void finish_writing() noexcept override;

 private:
  UniqueFd fd_;
};

/// recv(2) and sendmsg(2) in the terms of streams; SIGPIPE never comes. `flags`: others of sendmsg(2).
[[nodiscard]] IoResult receive(int descriptor, char* buffer, std::size_t size) noexcept;
[[nodiscard]] IoResult transmit(int descriptor, std::span<const iovec> pieces, int flags = 0) noexcept;

/// How many of the bytes written to a socket its peer does not have yet; 0 when the kernel does not tell. Of
/// a Unix socket it is the memory that they take.
[[nodiscard]] std::size_t unsent_bytes(int descriptor) noexcept;

/// sendfile(2) in the same terms: see Stream::send_file().
[[nodiscard]] IoResult transmit_file(int descriptor, const FilePart& part) noexcept;
/// Reads the part to `buffer`. False when it is not all there, or cannot be read.
[[nodiscard]] bool read_file(const FilePart& part, char* buffer) noexcept;

}  // namespace httpd::net
