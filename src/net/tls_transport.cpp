// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_transport.h"

#include <algorithm>
#include <cerrno>
#include <exception>

namespace httpd::net {
namespace {

/// Assigning an empty string would keep the memory.
void release(std::string& text) noexcept {
  std::string().swap(text);
}

}  // namespace

TlsTransport::Call::Call(TlsTransport& transport) noexcept : transport_(transport) {
  transport_.rest_ = transport_.stash_;
  if (!transport_.ended()) transport_.state_ = IoResult::State::kDone;
  transport_.short_read_ = false;
  transport_.buffers_.output.clear();
}

TlsTransport::Call::~Call() {
  try {
    transport_.keep_input();
  } catch (const std::exception&) {
    // Input was lost for want of memory: nothing that follows can be understood.
    transport_.stash_.clear();
    transport_.state_ = IoResult::State::kFailed;
  }
  transport_.rest_ = {};
}

void TlsTransport::keep_input() {
  if (rest_.empty()) {
    release(stash_);
  } else if (rest_.data() + rest_.size() == stash_.data() + stash_.size()) {
    stash_.erase(0, stash_.size() - rest_.size());
  } else {
    stash_.assign(rest_);
  }
}

void TlsTransport::fill() noexcept {
  if (!rest_.empty() || state_ != IoResult::State::kDone) return;
  const IoResult result = receive(fd_.get(), buffers_.input.get(), TlsBuffers::kInputSize);
  state_ = result.state;
  short_read_ = result.drained;
  rest_ = {buffers_.input.get(), result.bytes};
}

ssize_t TlsTransport::pull(char* buffer, std::size_t size, int& error) noexcept {
  fill();
  if (rest_.empty()) {
    error = state_ == IoResult::State::kFailed ? ECONNRESET : EAGAIN;
    return state_ == IoResult::State::kEnd ? 0 : -1;
  }
  const std::size_t count = rest_.copy(buffer, size);
  rest_.remove_prefix(count);
  return static_cast<ssize_t>(count);
}

ssize_t TlsTransport::push(const char* bytes, std::size_t size) noexcept {
  try {
    buffers_.output.append(bytes, size);
  } catch (const std::exception&) {
    return -1;
  }
  return static_cast<ssize_t>(size);
}

int TlsTransport::peek() noexcept {
  fill();
  return rest_.empty() ? -1 : static_cast<unsigned char>(rest_.front());
}

IoResult TlsTransport::read_raw(char* buffer, std::size_t size) noexcept {
  if (rest_.empty()) return receive(fd_.get(), buffer, size);
  const std::size_t count = rest_.copy(buffer, size);
  rest_.remove_prefix(count);
  return {IoResult::State::kDone, count};
}

IoResult TlsTransport::flush() noexcept {
  IoResult result{IoResult::State::kBlocked};
  std::string& output = buffers_.output;
  try {
    if (has_unsent()) {
      const iovec piece{unsent_.data() + sent_, unsent_.size() - sent_};
      result = transmit(fd_.get(), std::span(&piece, 1));
      sent_ += result.bytes;
      if (has_unsent()) {
        unsent_.append(output);
        output.clear();
        return result;
      }
      release(unsent_);
      sent_ = 0;
    }
    if (!output.empty()) {
      const iovec piece{output.data(), output.size()};
      const IoResult more = transmit(fd_.get(), std::span(&piece, 1));
      result = {more.state, result.bytes + more.bytes};
      if (more.state != IoResult::State::kFailed) unsent_.assign(output, more.bytes);
      output.clear();
    }
  } catch (const std::exception&) {
    output.clear();
    return {IoResult::State::kFailed};
  }
  return result;
}

}  // namespace httpd::net
