// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/worker.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <fmt/format.h>
#include <new>
#include <sys/socket.h>
#include <utility>

#include "http/refusal.h"

namespace httpd::process {
namespace {

constexpr std::size_t kSpareVisits = 8;
constexpr net::Duration kComeAgain = std::chrono::milliseconds(100);

}  // namespace

Worker::Worker(const Surroundings& surroundings, std::uint32_t index)
    : surroundings_(surroundings),
      index_(index),
      handler_loop_(surroundings.loop, surroundings.log),
      handler_log_(surroundings.log, surroundings.loop),
      buffer_(std::make_unique<std::array<char, kMessageSize>>()),
      window_(std::make_unique<std::array<char, kWindow>>()) {
  spare_.reserve(kSpareVisits);
}

Worker::~Worker() {
  if (socket_) surroundings_.loop.remove(socket_.get(), *this);
}

void Worker::serve() {
  for (const server::Route& route : surroundings_.router.routes())
    if (!route.never_blocks) route.handler->init_process(handler_loop_);
  arrive();
}

void Worker::arrive() {
  welcome_ = false;
  net::UniqueFd socket = surroundings_.meeting_point.arrive(index_);
  surroundings_.loop.add(socket.get(), EPOLLIN, *this);
  socket_ = std::move(socket);
}

void Worker::end(std::function<void()> done, Late late) {
  late_ = late;
  if (!welcome_) return done();
  done_ = std::move(done);
}

void Worker::on_events(std::uint32_t /*events*/) {
  Incoming message;
  switch (receive_message(socket_.get(), *buffer_, message)) {
    case ReceiveResult::kMessage:
      return on_message(message);
    case ReceiveResult::kGone:
    case ReceiveResult::kUnread:
      return on_httpd_gone();
    case ReceiveResult::kNothing:
      break;
  }
}

void Worker::on_message(Incoming& message) {
  Visit* visit = nullptr;
  switch (message.header.kind) {
    case Header::Kind::kWelcome:
      welcome_ = true;
      return;
    case Header::Kind::kRequest:
      try {
        return on_request(message);
      } catch (const std::bad_alloc&) {
        return turn_down(message.header.id);
      }
    case Header::Kind::kPull:
      visit = find(message.header.id);
      if (visit != nullptr) visit->pull();
      return;
    case Header::Kind::kCancel:
      visit = find(message.header.id);
      if (visit != nullptr) visit->cancel();
      return;
    default:
      surroundings_.log.write(LogLevel::kError, "the HTTPD process said what makes no sense");
  }
}

void Worker::on_request(Incoming& message) {
  // Its place first: what throws leaves nothing behind that is not as it was.
  std::unique_ptr<Visit>& place = visits_[message.header.id];
  if (spare_.empty()) {
    place = std::make_unique<Visit>(
        Visit::Surroundings{surroundings_.loop, surroundings_.router, handler_log_, *this},
        surroundings_.settings.limits);
  } else {
    place = std::move(spare_.back());
    spare_.pop_back();
  }
  Visit& begun = *place;
  if (late_ == Late::kRefused) return begun.refuse(message);
  begun.handle(message);
}

/// There is no memory to begin with it: an answer that takes none.
void Worker::turn_down(std::uint64_t id) noexcept {
  visits_.erase(id);
  const http::RefusalInfo& info = http::describe(http::Refusal::kOutOfResources);
  surroundings_.log.write(LogLevel::kError,
                          "no memory for a request from the HTTPD process: answered with 503");
  Outgoing reply;
  reply.header.kind = Header::Kind::kReply;
  reply.header.id = id;
  reply.header.status = info.status;
  reply.parts[2] = info.reason;
  reply.header.body_size = info.reason.size();
  static_cast<void>(send(reply));
}

Visit* Worker::find(std::uint64_t id) noexcept {
  const auto found = visits_.find(id);
  return found == visits_.end() ? nullptr : found->second.get();
}

std::unique_ptr<Visit> Worker::take(Visit& visit) noexcept {
  std::unique_ptr<Visit> taken;
  if (const auto found = visits_.find(visit.id()); found != visits_.end() && found->second.get() == &visit) {
    taken = std::move(found->second);
    visits_.erase(found);
  } else if (const auto old = std::ranges::find(left_over_, &visit, &std::unique_ptr<Visit>::get);
             old != left_over_.end()) {
    taken = std::move(*old);
    left_over_.erase(old);
  }
  return taken;
}

void Worker::on_ended(Visit& visit) noexcept {
  std::unique_ptr<Visit> ended = take(visit);
  // A visit calls this last; still, it must not be destroyed under its own feet when there are spares enough.
  if (spare_.size() == kSpareVisits) spare_.erase(spare_.begin());
  spare_.push_back(std::move(ended));
}

bool Worker::send(const Outgoing& message) noexcept {
  // Where nobody is at the other end any more, nobody misses the message.
  if (!socket_ || send_message(socket_.get(), message, true) != SendResult::kNoResources) return true;
  // Not even what needs nothing but the socket: the HTTPD process must not wait for it.
  if (message.file < 0 &&
      message.parts[0].size() + message.parts[1].size() + message.parts[2].size() <= kWindow)
    ::shutdown(socket_.get(), SHUT_RDWR);
  return false;
}

void Worker::on_httpd_gone() {
  surroundings_.loop.remove(socket_.get(), *this);
  socket_.reset();
  std::vector<Visit*> open;
  for (const auto& [id, visit] : visits_)
    open.push_back(visit.get());
  for (Visit* const visit : open)
    visit->cancel();
  for (auto& [id, visit] : visits_)
    left_over_.push_back(std::move(visit));
  visits_.clear();
  if (done_) return std::exchange(done_, nullptr)();
  if (std::exchange(welcome_, false)) return on_timer();
  // It had no descriptor left for the socket, perhaps: not too often.
  surroundings_.loop.arm(*this, kComeAgain);
}

void Worker::on_timer() {
  try {
    arrive();
  } catch (const std::exception& exception) {
    surroundings_.log.write(LogLevel::kError,
                            fmt::format("handler process {}: {}", index_ + 1, exception.what()));
    surroundings_.loop.arm(*this, kComeAgain);
  }
}

}  // namespace httpd::process
