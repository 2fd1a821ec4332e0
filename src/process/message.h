// What the HTTPD process and a handler process say to each other: messages over a socket pair.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/unique_fd.h"

namespace httpd::process {

/// Both ends are the same program, so a header crosses as it lies in memory. Only what was forked together
/// speaks it.
struct Header {
  enum class Kind : std::uint32_t {
    kWelcome,  ///< HTTPD process: you are known, requests will come
    kRequest,  ///< HTTPD process: answer this
    kCancel,   ///< HTTPD process: nobody waits for the reply, or for the rest of its stream, any more
    kPull,     ///< HTTPD process: the next piece of the stream; at most kWindow bytes
    kReply,    ///< handler process: the reply, and the handler has returned
    kKept,     ///< handler process: the handler has returned, and keeps the reply
    kLate,     ///< handler process: the reply to a request that was kept
    kPiece,    ///< handler process: a piece of a stream; `status` is what BodySource::read() returned
  };
  /// Where the body is.
  enum class Body : std::uint32_t {
    kInPayload,  ///< the payload's last part
    kInFile,     ///< in a file that travels along, `offset` bytes from its beginning
    kStream,     ///< given in pieces, the first of which is the payload's last part
  };
  Kind kind = Kind::kWelcome;
  Body body = Body::kInPayload;
  std::uint64_t id = 0;                  ///< of the request
  std::int64_t status = 0;               ///< the reply's status code; of streams see kPiece
  std::array<std::uint32_t, 2> sizes{};  ///< of the payload's first two parts, in bytes
  std::uint64_t body_size = 0;
  std::uint64_t offset = 0;
  std::uint32_t payload_in_file = 0;  ///< the payload did not fit a message, and travels in a memory file
  std::uint32_t last = 0;             ///< of a kReply or kLate with a stream: the first piece is all of it
};

/// The piece of a stream that is under way at a time.
constexpr std::size_t kWindow = 32 * 1024;
/// A longer payload travels in a memory file.
constexpr std::size_t kInlineLimit = 48 * 1024;
/// What a buffer for receive_message() must hold.
constexpr std::size_t kMessageSize = sizeof(Header) + kInlineLimit;

struct Outgoing {
  Header header;
  std::array<std::string_view, 3> parts;  ///< the payload
  int file = -1;                          ///< travels along; stays the caller's
};

enum class SendResult : std::uint8_t {
  kSent,
  kBlocked,      ///< the socket is full
  kGone,         ///< nobody is at the other end
  kNoResources,  ///< no memory, no descriptor for a memory file, or a file that is none
};
/// Sends one message. `wait`: rather waits than to say kBlocked.
[[nodiscard]] SendResult send_message(int socket, const Outgoing& message, bool wait) noexcept;

struct Incoming {
  Header header;
  std::string_view payload;  ///< in the caller's buffer; empty while it is only in `payload_file`
  net::UniqueFd payload_file;
  net::UniqueFd file;
  bool lost_files = false;  ///< this process had no descriptors left for them

  /// The part of `payload` with this index.
  [[nodiscard]] std::string_view part(std::size_t index) const noexcept;
};

enum class ReceiveResult : std::uint8_t {
  kMessage,
  kNothing,  ///< none waits
  kGone,     ///< nobody is at the other end, or what came is no message
  kUnread,   ///< nobody is at the other end, and what was sent last was not read there
};
/// Takes one message; never blocks. `buffer` has kMessageSize bytes.
[[nodiscard]] ReceiveResult receive_message(int socket, std::span<char> buffer, Incoming& message) noexcept;

}  // namespace httpd::process
