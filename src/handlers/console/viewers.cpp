// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/viewers.h"

#include <chrono>
#include <utility>

namespace httpd::console {
namespace {

/// How long browsers wait before they come again.
constexpr std::chrono::milliseconds kRetry = std::chrono::seconds(1);

EventStream begin(Reply reply, Loop& loop, const std::vector<Message>& first) {
  EventStream stream(std::move(reply), loop, {.buffer = Viewers::kBuffer});
  Event event{.retry = kRetry};
  for (const Message& message : first) {
    event.event = message.type;
    event.data = message.data;
    stream.send(event);
    event.retry.reset();
  }
  return stream;
}

bool send_all(EventStream& stream, const std::vector<Message>& messages) noexcept {
  try {
    for (const Message& message : messages)
      if (!stream.send({.event = message.type, .data = message.data})) return false;
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::size_t Viewers::count() noexcept {
  // One whose end could not be told for want of memory is still here.
  std::erase_if(streams_, [](const EventStream& stream) { return !stream.open(); });
  return streams_.size();
}

void Viewers::add(Reply reply, Loop& loop, const std::vector<Message>& first) {
  streams_.push_back(begin(std::move(reply), loop, first));
  const auto self = std::prev(streams_.end());
  try {
    self->on_client_gone([this, self] { streams_.erase(self); });
  } catch (...) {
    streams_.erase(self);
    throw;
  }
}

std::size_t Viewers::send(const std::vector<Message>& messages) noexcept {
  std::size_t left_out = 0;
  std::erase_if(streams_, [&](EventStream& stream) {
    if (!stream.open()) return true;
    if (send_all(stream, messages)) return false;
    ++left_out;
    return true;
  });
  return left_out;
}

void send_once(Reply reply, Loop& loop, const std::vector<Message>& messages) {
  begin(std::move(reply), loop, messages).close();
}

}  // namespace httpd::console
