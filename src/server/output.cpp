// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/output.h"

#include <algorithm>
#include <array>

#include "net/spill_file.h"

namespace httpd::server {
namespace {
constexpr std::size_t kPiecesAtOnce = 16;
constexpr std::size_t kJoinLimit = 64 * 1024;  // small pieces are joined up to this size
}  // namespace

std::string_view OutputQueue::Piece::rest() const noexcept {
  const std::string_view all = std::holds_alternative<std::string>(bytes)
                                   ? std::string_view(std::get<std::string>(bytes))
                                   : std::get<LentBytes>(bytes).view();
  return all.substr(static_cast<std::size_t>(done));
}

std::uint64_t OutputQueue::Piece::rest_size() const noexcept {
  return file() != nullptr ? file()->size() - done : rest().size();
}

void OutputQueue::Piece::give_back() noexcept {
  net::SpillFile file;
  if (!file.append(rest())) return;
  const std::uint64_t size = file.size();
  bytes = FileBody(file.release().release(), 0, size);
  done = 0;
}

std::uint64_t OutputQueue::size() const noexcept {
  std::uint64_t size = 0;
  if (!empty())
    for (const Piece& piece : *pieces_)
      size += piece.rest_size();
  return size;
}

template <typename Bytes>
void OutputQueue::add(Bytes bytes, std::uint64_t done) {
  if (pieces_ == nullptr) pieces_ = std::make_unique<std::deque<Piece>>();
  Piece& piece = pieces_->emplace_back(std::move(bytes), done);
  if (auto* const lent = std::get_if<LentBytes>(&piece.bytes)) lent->borrowed_by(&piece);
  if (piece.rest_size() > 0) return;
  pieces_->pop_back();
  if (pieces_->empty()) pieces_.reset();
}

void OutputQueue::append_copy(std::string_view bytes) {
  if (bytes.empty()) return;
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
  add(std::move(bytes), done);
}

void OutputQueue::append(LentBytes bytes, std::size_t done) {
  add(std::move(bytes), done);
}

void OutputQueue::append(FileBody file) {
  add(std::move(file), 0);
}

net::IoResult OutputQueue::write_to(net::Stream& stream) {
  std::size_t written = 0;
  while (!empty()) {
    if (written >= kTurn) return {net::IoResult::State::kDone, written, false, true};
    const Piece& first = pieces_->front();
    net::IoResult result{net::IoResult::State::kDone};
    if (const FileBody* const file = first.file(); file != nullptr) {
      result = stream.send_file({file->descriptor(), file->offset() + first.done,
                                 std::min<std::uint64_t>(first.rest_size(), kTurn - written)});
    } else {
      result = write_memory(stream, kTurn - written);
    }
    written += result.bytes;
    drop(result.bytes);
    if (result.state != net::IoResult::State::kDone || result.again) {
      result.bytes = written;
      return result;
    }
  }
  return {net::IoResult::State::kDone, written};
}

/// Writes what comes before the next file. A short write means that the socket is full (epoll(7)), and counts
/// as blocked: the next attempt would only say so.
net::IoResult OutputQueue::write_memory(net::Stream& stream, std::size_t most) {
  std::array<iovec, kPiecesAtOnce> vector{};
  std::size_t count = 0;
  std::size_t offered = 0;
  for (const Piece& piece : *pieces_) {
    if (count == kPiecesAtOnce || offered == most || piece.file() != nullptr) break;
    const std::string_view rest = piece.rest().substr(0, most - offered);
    vector[count++] = {const_cast<char*>(rest.data()), rest.size()};
    offered += rest.size();
  }
  // The head of a reply and the beginning of its file are one packet.
  const bool file_follows = count < pieces_->size() && (*pieces_)[count].file() != nullptr;
  const std::span pieces(vector.data(), count);
  net::IoResult result = file_follows ? stream.write_with_more(pieces) : stream.write(pieces);
  if (result.state == net::IoResult::State::kDone && result.bytes < offered && !result.again)
    result.state = net::IoResult::State::kBlocked;
  return result;
}

void OutputQueue::drop(std::size_t bytes) noexcept {
  while (bytes > 0) {
    Piece& piece = pieces_->front();
    const std::uint64_t size = piece.rest_size();
    if (bytes < size) {
      piece.done += bytes;
      return;
    }
    bytes -= static_cast<std::size_t>(size);
    pieces_->pop_front();
  }
  if (pieces_->empty()) pieces_.reset();
}

}  // namespace httpd::server
