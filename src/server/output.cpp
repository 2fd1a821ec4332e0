// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/output.h"

#include <array>

namespace httpd::server {
namespace {
constexpr std::size_t kPiecesAtOnce = 16;
constexpr std::size_t kJoinLimit = 64 * 1024;  // small pieces are joined up to this size
}  // namespace

std::string_view OutputQueue::Piece::rest() const noexcept {
  const std::string_view all = std::holds_alternative<std::string>(bytes)
                                   ? std::string_view(std::get<std::string>(bytes))
                                   : std::get<LentBytes>(bytes).view();
  return all.substr(done);
}

void OutputQueue::add(Piece piece) {
  if (piece.rest().empty()) return;
  if (pieces_ == nullptr) pieces_ = std::make_unique<std::deque<Piece>>();
  pieces_->push_back(std::move(piece));
}

void OutputQueue::append_copy(std::string_view bytes) {
  if (!empty()) {
    auto* const last = std::get_if<std::string>(&pieces_->back().bytes);
    if (last != nullptr && last->size() + bytes.size() <= kJoinLimit) {
      last->append(bytes);
      return;
    }
  }
  append(std::string(bytes));
}

void OutputQueue::append(std::string bytes, std::size_t done) {
  add({std::move(bytes), done});
}

void OutputQueue::append(LentBytes bytes, std::size_t done) {
  add({std::move(bytes), done});
}

net::IoResult OutputQueue::write_to(net::Stream& stream) {
  std::size_t written = 0;
  while (!empty()) {
    std::array<iovec, kPiecesAtOnce> vector{};
    std::size_t count = 0;
    std::size_t offered = 0;
    for (const Piece& piece : *pieces_) {
      if (count == kPiecesAtOnce) break;
      const std::string_view rest = piece.rest();
      vector[count++] = {const_cast<char*>(rest.data()), rest.size()};
      offered += rest.size();
    }
    const net::IoResult result = stream.write(std::span(vector.data(), count));
    if (result.state != net::IoResult::State::kDone) return {result.state, written};
    written += result.bytes;
    drop(result.bytes);
    // A short write means that the socket is full (epoll(7)): the next attempt would only say so.
    if (result.bytes < offered) return {net::IoResult::State::kBlocked, written, false, result.again};
  }
  return {net::IoResult::State::kDone, written};
}

void OutputQueue::drop(std::size_t bytes) noexcept {
  while (bytes > 0) {
    Piece& piece = pieces_->front();
    const std::size_t size = piece.rest().size();
    if (bytes < size) {
      piece.done += bytes;
      return;
    }
    bytes -= size;
    pieces_->pop_front();
  }
  if (pieces_->empty()) pieces_.reset();
}

}  // namespace httpd::server
