// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/message.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/descriptor_passing.h"
#include "process/memory_file.h"

namespace httpd::process {
namespace {

/// Whether the header speaks of exactly these many bytes.
bool describes(const Header& header, std::size_t payload) noexcept {
  const std::uint64_t body = header.body == Header::Body::kInFile ? 0 : header.body_size;
  return body <= payload && std::uint64_t{header.sizes[0]} + header.sizes[1] == payload - body;
}

/// Whatever the reason was: should the other process still be there, it learns that this socket is of no use
/// any more, and comes again. What it has said can still be read.
void end_for_both(int socket) noexcept {
  ::shutdown(socket, SHUT_WR);
}

}  // namespace

SendResult send_message(int socket, const Outgoing& message, bool wait) noexcept {
  Header header = message.header;
  std::size_t size = 0;
  for (const std::string_view part : message.parts)
    size += part.size();
  net::UniqueFd payload;
  if (size > kInlineLimit) {
    payload = make_memory_file(message.parts);
    if (!payload) return SendResult::kNoResources;
    header.payload_in_file = 1;
  }

  std::array<iovec, 4> pieces{iovec{&header, sizeof header}};
  for (std::size_t index = 0; index < message.parts.size(); ++index)
    pieces[index + 1] = {const_cast<char*>(message.parts[index].data()), message.parts[index].size()};
  std::array<int, net::kMaxPassed> files{};
  std::size_t count = 0;
  if (payload) files[count++] = payload.get();
  if (message.file >= 0) files[count++] = message.file;
  const std::span<const iovec> sent(pieces.data(), payload ? 1 : pieces.size());

  for (;;) {
    if (net::send_with_descriptors(socket, sent, std::span(files).first(count), MSG_DONTWAIT) >= 0)
      return SendResult::kSent;
    switch (errno) {
      case EAGAIN: {
        if (!wait) return SendResult::kBlocked;
        pollfd room{socket, POLLOUT, 0};
        ::poll(&room, 1, -1);
        break;
      }
      case EPIPE:
      case ECONNRESET:
      case ENOTCONN:
        end_for_both(socket);
        return SendResult::kGone;
      default:
        // No memory; more descriptors under way than this user may have; a descriptor that is none.
        return SendResult::kNoResources;
    }
  }
}

std::string_view Incoming::part(std::size_t index) const noexcept {
  std::string_view rest = payload;
  for (std::size_t before = 0; before < index && before < header.sizes.size(); ++before)
    rest.remove_prefix(std::min<std::size_t>(header.sizes[before], rest.size()));
  return index < header.sizes.size() ? rest.substr(0, header.sizes[index]) : rest;
}

ReceiveResult receive_message(int socket, std::span<char> buffer, Incoming& message) noexcept {
  net::ReceivedMessage received = net::receive_with_descriptors(socket, buffer);
  if (received.bytes < 0 && errno == EAGAIN) return ReceiveResult::kNothing;
  if (received.bytes < static_cast<ssize_t>(sizeof(Header))) {
    const bool unread = received.bytes < 0 && errno == ECONNRESET;
    end_for_both(socket);
    return unread ? ReceiveResult::kUnread : ReceiveResult::kGone;
  }

  std::memcpy(&message.header, buffer.data(), sizeof(Header));
  const Header& header = message.header;
  const std::size_t in_message = static_cast<std::size_t>(received.bytes) - sizeof(Header);
  message.payload = {buffer.data() + sizeof(Header), in_message};
  const bool in_file = header.payload_in_file != 0;
  const std::size_t wanted = (in_file ? 1U : 0U) + (header.body == Header::Body::kInFile ? 1U : 0U);
  message.lost_files = (received.flags & MSG_CTRUNC) != 0;
  message.payload_file = in_file ? std::move(received.descriptors[0]) : net::UniqueFd();
  message.file = wanted == 0 || header.body != Header::Body::kInFile
                     ? net::UniqueFd()
                     : std::move(received.descriptors[wanted - 1]);
  // The other end runs code of strangers, which may have written anywhere.
  const bool consistent = in_file ? in_message == 0 : describes(header, in_message);
  const bool complete = message.lost_files || ((!in_file || message.payload_file) &&
                                               (header.body != Header::Body::kInFile || message.file));
  return consistent && complete && (received.flags & MSG_TRUNC) == 0 ? ReceiveResult::kMessage
                                                                     : ReceiveResult::kGone;
}

}  // namespace httpd::process
