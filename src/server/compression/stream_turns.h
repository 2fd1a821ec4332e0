// Whose turn it is to compress a piece: however many long replies are being compressed, a turn of the event
// loop has one piece of one of them. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "net/event_loop.h"
#include "net/intrusive_list.h"
#include "server/statistics.h"

namespace httpd::server {

/// Outlives the streams that take turns.
class StreamTurns final : private net::Task {
 public:
  /// Who waits for a turn. It leaves when it is destroyed.
  class Waiting : public net::ListNode<Waiting> {
   public:
    virtual void on_turn() noexcept = 0;

   protected:
    ~Waiting() = default;
  };
  /// Counts as a stream while it exists.
  class Place {
   public:
    explicit Place(StreamTurns& turns) noexcept : turns_(turns) { ++turns_.streams_; }
    ~Place() { --turns_.streams_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    StreamTurns& turns_;
  };
  static constexpr std::size_t kScratchSize = 32 * 1024;

  StreamTurns(net::EventLoop& loop, Statistics& statistics) noexcept : loop_(loop), statistics_(statistics) {}
  StreamTurns(const StreamTurns&) = delete;
  StreamTurns& operator=(const StreamTurns&) = delete;
  ~StreamTurns() = default;

  /// Has `stream` called in a turn of the loop that no other one has. Does nothing when it waits already.
  void await(Waiting& stream) noexcept;
  /// Memory of kScratchSize bytes for what a stream does in one call. Throws std::bad_alloc.
  [[nodiscard]] std::span<char> scratch();
  /// What was done in a turn.
  void count(std::size_t bytes_in, std::size_t bytes_out) noexcept;
  [[nodiscard]] std::size_t streams() const noexcept { return streams_; }

 private:
  void run() override;

  net::EventLoop& loop_;
  Statistics& statistics_;
  net::IntrusiveList<Waiting> waiting_;
  std::unique_ptr<std::array<char, kScratchSize>> scratch_;
  std::size_t streams_ = 0;
};

}  // namespace httpd::server
