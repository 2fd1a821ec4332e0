// Encrypted bytes between a socket and GnuTLS, with as few system calls and as little memory as it takes.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "net/stream.h"
#include "net/unique_fd.h"

namespace httpd::net {

/// What the streams of one event loop share, each for the length of one call.
struct TlsBuffers {
  static constexpr std::size_t kInputSize = 64 * 1024;
  static constexpr std::size_t kRecordSize =
      16 * 1024;                                       ///< the plain text of a record (RFC 8446 section 5.1)
  static constexpr std::size_t kFileSize = 64 * 1024;  ///< what is read of a file at once
  std::unique_ptr<char[]> input{new char[kInputSize]};
  std::unique_ptr<char[]> record{new char[kRecordSize]};
  std::unique_ptr<char[]> file{new char[kFileSize]};
  std::string output;
};

/// GnuTLS asks for five bytes, then for as many as those announce, and hands over each record that it made.
/// This reads what there is at once, and gathers records to be sent together. What is left over at the end of
/// a call moves to memory of its own, and so an idle connection holds none.
class TlsTransport {
 public:
  /// `buffers` must outlive it.
  TlsTransport(UniqueFd fd, TlsBuffers& buffers) noexcept : fd_(std::move(fd)), buffers_(buffers) {}

  /// Around each use of what stands below it.
  class Call {
   public:
    explicit Call(TlsTransport& transport) noexcept;
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    TlsTransport& transport_;
  };

  /// For gnutls_transport_set_pull_function(): errno in `error`, with -1.
  ssize_t pull(char* buffer, std::size_t size, int& error) noexcept;
  /// For gnutls_transport_set_push_function(): takes everything, but where memory ends.
  ssize_t push(const char* bytes, std::size_t size) noexcept;
  /// The first byte that is to be read, or -1 when there is none yet.
  int peek() noexcept;
  /// Reads what has come as it is.
  IoResult read_raw(char* buffer, std::size_t size) noexcept;
  /// Sends what was pushed; what does not go now waits: see has_unsent().
  IoResult flush() noexcept;

  /// Input is here that was not pulled.
  [[nodiscard]] bool has_input() const noexcept { return !rest_.empty(); }
  /// The socket had no more when it was last asked in this call.
  [[nodiscard]] bool blocked() const noexcept { return rest_.empty() && state_ == IoResult::State::kBlocked; }
  /// The same, or its last answer was so short that only its end can be left: see IoResult::drained.
  [[nodiscard]] bool drained() const noexcept { return rest_.empty() && (short_read_ || blocked()); }
  /// The socket's end was reached, or it broke.
  [[nodiscard]] bool ended() const noexcept {
    return state_ == IoResult::State::kEnd || state_ == IoResult::State::kFailed;
  }
  [[nodiscard]] bool has_unsent() const noexcept { return sent_ < unsent_.size(); }
  /// Room for the plain text of one record, of no use beyond this call.
  [[nodiscard]] char* record_buffer() const noexcept { return buffers_.record.get(); }
  /// Room for a piece of a file, likewise.
  [[nodiscard]] char* file_buffer() const noexcept { return buffers_.file.get(); }
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }

 private:
  void fill() noexcept;
  void keep_input();

  UniqueFd fd_;
  TlsBuffers& buffers_;
  std::string stash_;      // input that GnuTLS has not asked for yet
  std::string_view rest_;  // the same, or what was just read to the shared buffer
  std::string unsent_;
  std::size_t sent_ = 0;  // of unsent_
  IoResult::State state_ = IoResult::State::kDone;
  bool short_read_ = false;
};

}  // namespace httpd::net
