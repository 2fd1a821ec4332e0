// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/remote_worker.h"

#include <new>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace httpd::process {

RemoteWorker::RemoteWorker(net::EventLoop& loop, Owner& owner, Arrival arrival)
    : loop_(loop),
      owner_(owner),
      index_(arrival.index),
      process_(arrival.process),
      socket_(std::move(arrival.socket)) {
  loop_.add(socket_.get(), EPOLLIN, *this);
  // Without it the end of the socket has to do.
  life_ = net::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process_, 0U)));
  if (life_ && loop_.try_add(life_.get(), EPOLLIN, death_) != 0) life_.reset();
}

RemoteWorker::~RemoteWorker() {
  if (life_) loop_.remove(life_.get(), death_);
  loop_.remove(socket_.get(), *this);
}

SendResult RemoteWorker::send(const Outgoing& request) {
  const SendResult result =
      pending_.empty() ? send_message(socket_.get(), request, false) : SendResult::kBlocked;
  if (result == SendResult::kBlocked && pending_.empty()) watch(EPOLLIN | EPOLLOUT);
  if (result == SendResult::kBlocked || result == SendResult::kGone) usable_ = false;
  if (result == SendResult::kSent) request_was_last_ = true;
  return result;
}

void RemoteWorker::send_control(Header::Kind kind, std::uint64_t id) noexcept {
  Header header;
  header.kind = kind;
  header.id = id;
  request_was_last_ = false;
  if (pending_.empty() && send_message(socket_.get(), {header, {}, -1}, false) == SendResult::kSent) return;
  try {
    // A socket that nobody reads any more ends in on_events().
    if (pending_.empty()) watch(EPOLLIN | EPOLLOUT);
    pending_.push_back(header);
  } catch (const std::bad_alloc&) {
    ::shutdown(socket_.get(), SHUT_RDWR);  // rather no handler process than one that waits for this
  }
}

void RemoteWorker::watch(std::uint32_t events) noexcept {
  loop_.change(socket_.get(), events, *this);
}

void RemoteWorker::send_pending() {
  while (!pending_.empty()) {
    switch (send_message(socket_.get(), {pending_.front(), {}, -1}, false)) {
      case SendResult::kSent:
        break;
      case SendResult::kNoResources:
        ::shutdown(socket_.get(), SHUT_RDWR);
        return;
      case SendResult::kBlocked:
      case SendResult::kGone:
        return;
    }
    pending_.pop_front();
  }
  watch(EPOLLIN);
  usable_ = !dead_;
  owner_.on_room(*this);
}

void RemoteWorker::on_events(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) send_pending();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  // One at a time: what else has come is reported again, after others have had their turn.
  Incoming message;
  switch (receive_message(socket_.get(), owner_.buffer(), message)) {
    case ReceiveResult::kMessage:
      if (dead_) loop_.post(death_);
      return owner_.on_message(*this, message);
    case ReceiveResult::kGone:
      return owner_.on_gone(*this, untouched_);
    case ReceiveResult::kUnread:
      // The kernel says so before it gives what the process has said to its last.
      untouched_ = request_was_last_;
      usable_ = false;
      return;
    case ReceiveResult::kNothing:
      if (dead_) owner_.on_gone(*this, untouched_);
  }
}

void RemoteWorker::on_death() {
  dead_ = true;
  usable_ = false;
  loop_.remove(life_.get(), death_);
  life_.reset();
  loop_.post(death_);
}

}  // namespace httpd::process
