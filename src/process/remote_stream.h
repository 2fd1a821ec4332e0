// A body that a handler process gives piece by piece.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <httpd/reply.h>

namespace httpd::process {

class Job;

/// The connection's end of it: holds one piece at most, and has the next one fetched when the client has
/// taken that.
class RemoteStream final : public BodySource {
 public:
  class Owner {
   public:
    /// The next piece is wanted.
    virtual void on_pull(Job& job) = 0;
    /// The connection needs no further pieces.
    virtual void on_stream_dropped(Job& job) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  /// `job` must live until this ends, or finish() is called. `first`: the first piece; empty when it is still
  /// to come by itself.
  RemoteStream(Owner& owner, Job& job, std::string_view first)
      : owner_(owner), job_(&job), piece_(first), asked_(first.empty()) {}
  RemoteStream(const RemoteStream&) = delete;
  RemoteStream& operator=(const RemoteStream&) = delete;
  ~RemoteStream() override;

  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override;

  /// What was asked for has come.
  void on_piece(std::string_view piece);
  /// Nothing more comes: it was all there is, or what comes cannot be had.
  void finish(bool complete) noexcept;

 private:
  Owner& owner_;
  Job* job_;  // null when nothing more comes
  std::string piece_;
  std::size_t given_ = 0;  // of piece_
  bool asked_;
  bool complete_ = false;
};

}  // namespace httpd::process
