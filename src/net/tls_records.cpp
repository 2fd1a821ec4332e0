// Sessions: application data. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "net/tls_stream.h"

namespace httpd::net {
namespace {

constexpr int kMaxIdleRounds = 64;              // records in one go that bring no data
constexpr std::uint8_t kMaxRenegotiations = 3;  // attempts, each refused; then the connection is
constexpr std::size_t kBatch = 4 * TlsBuffers::kRecordSize;
/// Encrypting is work, and a client may take what it gets as fast as we make it.
constexpr std::size_t kLongestWrite = 16 * kBatch;

/// Cuts pieces into records.
class Cutter {
 public:
  Cutter(std::span<const iovec> pieces, std::size_t skip) noexcept : pieces_(pieces) { advance(skip); }
  [[nodiscard]] bool done() const noexcept { return pieces_.empty(); }

  /// The next bytes, as many as a record takes: where they lie, or joined in `buffer`.
  std::string_view next(char* buffer) const noexcept {
    const std::size_t first = pieces_.front().iov_len - offset_;
    const char* const begin = static_cast<const char*>(pieces_.front().iov_base) + offset_;
    if (first >= TlsBuffers::kRecordSize || pieces_.size() == 1)
      return {begin, std::min(first, TlsBuffers::kRecordSize)};
    std::size_t size = std::string_view(begin, first).copy(buffer, first);
    for (const iovec& piece : pieces_.subspan(1)) {
      const std::string_view bytes(static_cast<const char*>(piece.iov_base), piece.iov_len);
      size += bytes.copy(buffer + size, TlsBuffers::kRecordSize - size);
      if (size == TlsBuffers::kRecordSize) break;
    }
    return {buffer, size};
  }

  void advance(std::size_t bytes) noexcept {
    offset_ += bytes;
    while (!pieces_.empty() && offset_ >= pieces_.front().iov_len) {
      offset_ -= pieces_.front().iov_len;
      pieces_ = pieces_.subspan(1);
    }
  }

 private:
  std::span<const iovec> pieces_;
  std::size_t offset_ = 0;  // in the first piece
};

}  // namespace

IoResult TlsStream::read(char* buffer, std::size_t size) noexcept {
  const TlsTransport::Call call(transport_);
  switch (phase_) {
    case Phase::kOpen:
      return read_records(buffer, size);
    case Phase::kFinished:
    case Phase::kPlain:
      return transport_.read_raw(buffer, size);
    default:
      return {IoResult::State::kFailed};
  }
}

IoResult TlsStream::read_records(char* buffer, std::size_t size) noexcept {
  using State = IoResult::State;
  State state = input_ended_ ? State::kEnd : State::kBlocked;
  std::size_t total = 0;
  int idle_rounds = 0;
  while (state == State::kBlocked && total < size) {
    const ssize_t count = ::gnutls_record_recv(session_, buffer + total, size - total);
    if (count > 0) {
      total += static_cast<std::size_t>(count);
      if (!transport_.has_input() && ::gnutls_record_check_pending(session_) == 0) break;
    } else if (count == 0) {
      input_ended_ = true;
      state = State::kEnd;
    } else if (const int code = static_cast<int>(count); ::gnutls_error_is_fatal(code) != 0) {
      state = State::kFailed;
      error_ = code;
    } else if ((code == GNUTLS_E_REHANDSHAKE && !refuse_renegotiation()) || ++idle_rounds > kMaxIdleRounds) {
      state = State::kFailed;
    } else if (transport_.blocked()) {
      break;
    }
  }
  // Answers to what was read: alerts, new keys.
  if (transport_.flush().state == State::kFailed && total == 0) state = State::kFailed;
  if (state == State::kFailed) phase_ = Phase::kFailed;
  if (total == 0) return {state};
  return {State::kDone, total,
          state == State::kBlocked && transport_.drained() && ::gnutls_record_check_pending(session_) == 0};
}

bool TlsStream::refuse_renegotiation() noexcept {
  // GnuTLS has put the hello aside for a handshake, and would take it for data out of place at the next read.
  char unused = 0;
  if (::gnutls_record_recv(session_, &unused, sizeof unused) != GNUTLS_E_UNEXPECTED_PACKET) return false;
  // RFC 5246 section 7.2.2: a warning, after which the client may go on as before.
  return ++renegotiations_ <= kMaxRenegotiations &&
         ::gnutls_alert_send(session_, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION) == GNUTLS_E_SUCCESS;
}

IoResult TlsStream::write(std::span<const iovec> pieces) noexcept {
  if (phase_ == Phase::kPlain) return transmit(descriptor(), pieces);
  if (phase_ != Phase::kOpen) return {IoResult::State::kFailed};
  const TlsTransport::Call call(transport_);
  return write_records(pieces);
}

IoResult TlsStream::send_file(const FilePart& part) noexcept {
  if (phase_ == Phase::kPlain) return transmit_file(descriptor(), part);
  if (phase_ != Phase::kOpen) return {IoResult::State::kFailed};
  const TlsTransport::Call call(transport_);
  // Bytes of the file that are encrypted already need not be read again, and could be others by now.
  if (held_ > 0 || transport_.has_unsent()) {
    const IoResult result = write_records({});
    if (result.state != IoResult::State::kDone || result.bytes > 0) return result;
  }
  const FilePart piece{part.descriptor, part.offset,
                       std::min<std::uint64_t>(part.size, TlsBuffers::kFileSize)};
  if (!read_file(piece, transport_.file_buffer())) return {IoResult::State::kFailed, 0, false, false, true};
  const iovec bytes{transport_.file_buffer(), static_cast<std::size_t>(piece.size)};
  return write_records(std::span(&bytes, 1));
}

/// What is encrypted must be sent, so bytes that went into records count as written only as far as the socket
/// took these. The last of them counts when the last record is gone: whoever has nothing left to write knows
/// that nothing waits here either.
IoResult TlsStream::write_records(std::span<const iovec> pieces) noexcept {
  using State = IoResult::State;
  const auto report = [this](std::size_t before, std::size_t encrypted, std::size_t sent) -> IoResult {
    const std::size_t counted = encrypted == 0 ? 0 : std::min(sent, encrypted - 1);
    held_ = encrypted - counted;
    return {before + counted == 0 ? State::kBlocked : State::kDone, before + counted};
  };
  if (transport_.has_unsent()) {
    const IoResult result = transport_.flush();
    if (result.state == State::kFailed) return result;
    if (transport_.has_unsent()) return report(0, held_, result.bytes);
  }
  std::size_t written = std::exchange(held_, 0);
  Cutter cutter(pieces, written);
  while (!cutter.done()) {
    std::size_t encrypted = 0;
    while (encrypted < kBatch && !cutter.done()) {
      const std::string_view record = cutter.next(transport_.record_buffer());
      const ssize_t count = ::gnutls_record_send(session_, record.data(), record.size());
      if (count <= 0) {
        phase_ = Phase::kFailed;
        return {State::kFailed};
      }
      encrypted += static_cast<std::size_t>(count);
      cutter.advance(static_cast<std::size_t>(count));
    }
    const IoResult result = transport_.flush();
    if (result.state == State::kFailed) return result;
    if (transport_.has_unsent()) return report(written, encrypted, result.bytes);
    written += encrypted;
    if (written >= kLongestWrite && !cutter.done()) return {State::kDone, written, false, true};
  }
  return {State::kDone, written};
}

}  // namespace httpd::net
