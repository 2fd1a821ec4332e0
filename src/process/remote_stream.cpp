// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/remote_stream.h"

#include <utility>

#include "process/job.h"

namespace httpd::process {

RemoteStream::~RemoteStream() {
  if (job_ != nullptr) owner_.on_stream_dropped(*job_);
}

std::ptrdiff_t RemoteStream::read(std::uint64_t /*position*/, char* buffer, std::size_t size) {
  if (given_ < piece_.size()) {
    const std::size_t count = piece_.copy(buffer, size, given_);
    given_ += count;
    return static_cast<std::ptrdiff_t>(count);
  }
  if (job_ == nullptr) return complete_ ? kEnd : kBroken;
  if (!std::exchange(asked_, true)) owner_.on_pull(*job_);
  // The pull itself may have found out that the handler process is gone.
  if (job_ == nullptr) return kBroken;
  return kWait;
}

void RemoteStream::on_piece(std::string_view piece) {
  piece_.assign(piece);
  given_ = 0;
  asked_ = false;
  wake();
}

void RemoteStream::finish(bool complete) noexcept {
  job_ = nullptr;
  complete_ = complete;
  wake();
}

}  // namespace httpd::process
