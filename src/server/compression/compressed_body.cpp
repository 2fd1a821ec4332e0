// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/compressed_body.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "net/spill_file.h"
#include "net/stream.h"

namespace httpd::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostInATurn = 64 * 1024;  // bytes of the original
constexpr Clock::duration kTurn = std::chrono::milliseconds(1);
/// What is encoded before the clock is looked at: text made for it takes gzip 0.6 ms.
constexpr std::size_t kStep = 8 * 1024;

}  // namespace

CompressedBody::CompressedBody(StreamTurns& turns, std::unique_ptr<Encoder> encoder) noexcept
    : turns_(turns), place_(turns), encoder_(std::move(encoder)) {}

CompressedBody::~CompressedBody() {
  // What its destructor does is no news.
  if (const auto* const source = std::get_if<std::unique_ptr<BodySource>>(&original_);
      source != nullptr && *source != nullptr)
    (*source)->woken_through(nullptr);
}

void CompressedBody::take(Original original) noexcept {
  original_ = std::move(original);
  if (auto* const lent = std::get_if<LentBytes>(&original_)) lent->borrowed_by(this);
  if (const auto* const source = std::get_if<std::unique_ptr<BodySource>>(&original_))
    (*source)->woken_through(this);
}

void CompressedBody::on_wake() noexcept {
  woken_ = true;
  pause_.reset();
  wake();
}

void CompressedBody::on_turn() noexcept {
  has_turn_ = true;
  wake();
}

/// The lender would like its memory back: what is left of it goes to a file, if there is one to be had.
// NOLINTNEXTLINE(bugprone-exception-escape): giving a variant a file does not throw
void CompressedBody::give_back() noexcept {
  const auto* const lent = std::get_if<LentBytes>(&original_);
  if (lent == nullptr) return;
  std::string_view rest = lent->view();
  rest.remove_prefix(static_cast<std::size_t>(taken_));
  net::SpillFile file;
  if (!file.append(rest)) return;
  const std::uint64_t size = file.size();
  original_ = FileBody(file.release().release(), 0, size);
  taken_ = 0;
}

std::ptrdiff_t CompressedBody::read(std::uint64_t /*position*/, char* buffer, std::size_t size) {
  if (pause_ && flush_ == Encoder::Flush::kNone) return *std::exchange(pause_, std::nullopt);
  if (ended_) return kEnd;
  if (!std::exchange(has_turn_, false)) {
    turns_.await(*this);
    return kWait;
  }
  input_ = stash_;
  const std::ptrdiff_t result = fill(std::span(buffer, size));
  put_back();
  return result;
}

/// Encodes until there is no room, the turn is over, or the original has nothing more for now.
std::ptrdiff_t CompressedBody::fill(std::span<char> output) {
  const Clock::time_point end = Clock::now() + kTurn;
  std::size_t produced = 0;
  std::size_t consumed = 0;
  std::optional<std::ptrdiff_t> none;  // what is said where nothing is produced
  while (output.size() - produced >= Encoder::kLeastRoom) {
    if (input_.empty() && flush_ == Encoder::Flush::kNone) {
      const std::ptrdiff_t answer = fetch();
      if (answer == kEnd) {
        flush_ = Encoder::Flush::kEnd;
      } else if (answer <= 0 && unflushed_) {
        flush_ = Encoder::Flush::kSync;
        if (answer != kBroken && !woken_) pause_ = answer;
      } else if (answer <= 0) {
        none = answer;
        break;
      }
    }
    // With something to flush, or at the end, there is no input.
    const Encoder::Progress progress =
        encoder_->encode(input_.substr(0, kStep), output.subspan(produced), flush_);
    produced += progress.produced;
    consumed += progress.consumed;
    input_.remove_prefix(progress.consumed);
    if (progress.failed) return kBroken;
    unflushed_ = unflushed_ || progress.consumed > 0;
    if (progress.done && flush_ != Encoder::Flush::kNone) {
      ended_ = flush_ == Encoder::Flush::kEnd;
      flush_ = Encoder::Flush::kNone;
      unflushed_ = false;
      if (ended_ || produced > 0) break;
    }
    if (consumed >= kMostInATurn || Clock::now() >= end) break;
  }
  turns_.count(consumed, produced);
  if (produced > 0) return static_cast<std::ptrdiff_t>(produced);
  if (ended_) return kEnd;
  if (none) return *none;
  turns_.await(*this);
  return kWait;
}

/// Sets input_ to the next bytes of the original, and returns how many; or what it says instead.
std::ptrdiff_t CompressedBody::fetch() {
  if (last_word_ != 0) return last_word_;
  if (auto* const source = std::get_if<std::unique_ptr<BodySource>>(&original_)) return ask(**source);
  std::uint64_t size = 0;
  if (const auto* const file = std::get_if<FileBody>(&original_)) {
    const std::span<char> scratch = turns_.scratch();
    size = std::min<std::uint64_t>(scratch.size(), file->size() - taken_);
    if (size > 0 && !net::read_file({file->descriptor(), file->offset() + taken_, size}, scratch.data()))
      return last_word_ = kBroken;
    input_ = {scratch.data(), static_cast<std::size_t>(size)};
  } else {
    const auto* const text = std::get_if<std::string>(&original_);
    const std::string_view all =
        text != nullptr ? std::string_view(*text) : std::get<LentBytes>(original_).view();
    input_ = all.substr(static_cast<std::size_t>(taken_), kMostInATurn);
    size = input_.size();
  }
  if (size == 0) return last_word_ = kEnd;
  taken_ += size;
  return static_cast<std::ptrdiff_t>(size);
}

std::ptrdiff_t CompressedBody::ask(BodySource& source) {
  const std::span<char> scratch = turns_.scratch();
  woken_ = false;
  std::ptrdiff_t count = source.read(taken_, scratch.data(), scratch.size());
  if (count > static_cast<std::ptrdiff_t>(scratch.size()) || count < kWait) count = kBroken;
  if (count == kEnd || count == kBroken) last_word_ = count;
  if (count > 0) {
    taken_ += static_cast<std::uint64_t>(count);
    input_ = {scratch.data(), static_cast<std::size_t>(count)};
  }
  return count;
}

/// Keeps what there was no room for until the next turn.
void CompressedBody::put_back() {
  if (std::holds_alternative<std::unique_ptr<BodySource>>(original_)) {
    stash_ = std::string(input_);
  } else {
    taken_ -= input_.size();
  }
  input_ = {};
}

}  // namespace httpd::server
