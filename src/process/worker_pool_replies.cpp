// The pool towards the clients: what comes back from handlers, and what takes its place.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <string>
#include <utility>

#include "http/accept.h"
#include "http/characters.h"
#include "http/error_body.h"
#include "net/stream.h"
#include "process/worker_pool.h"
#include "server/refusal_line.h"

namespace httpd::process {
namespace {

using BoardState = server::RequestBoard::State;
using Counter = server::Statistics;

constexpr const char kRetryAfter[] = "5";  // seconds
constexpr std::size_t kMaxHead = 16 * 1024 * 1024;

/// What no damaged process may put into a reply: anything that would end its head, or begin another line.
bool is_head(std::string_view type, std::string_view fields) noexcept {
  if (!http::is_field_value(type)) return false;
  while (!fields.empty()) {
    const std::size_t end = fields.find("\r\n");
    if (end == 0 || end == std::string_view::npos || !http::is_field_value(fields.substr(0, end)))
      return false;
    fields.remove_prefix(end + 2);
  }
  return true;
}

/// Gets what comes before a body, and the first piece of a stream, into the payload: `bytes` holds it where
/// it travelled in a file. False for what makes no reply.
bool read_head(Incoming& message, std::string& bytes) {
  const Header& header = message.header;
  const bool streamed = header.body == Header::Body::kStream;
  if (streamed && header.body_size > kWindow) return false;
  if (header.payload_in_file != 0) {
    const std::size_t size =
        std::size_t{header.sizes[0]} + header.sizes[1] + (streamed ? header.body_size : 0);
    if (size > kMaxHead) return false;
    bytes.resize(size);
    if (!net::read_file({message.payload_file.get(), 0, size}, bytes.data())) return false;
    message.payload = bytes;
  }
  return is_head(message.part(0), message.part(1));
}

}  // namespace

void WorkerPool::on_reply(Job& job, Incoming& message) {
  job.stop_timer();
  const Header& header = message.header;
  const bool streamed = header.body == Header::Body::kStream && header.last == 0;
  if (!job.has_client()) {
    if (streamed) job.worker->send_control(Header::Kind::kCancel, job.id());
    return end(job);
  }
  count_handler(job);
  std::string bytes;
  if (message.lost_files || header.status < 200 || header.status > 599 || !read_head(message, bytes)) {
    if (throttle_.admit(log_, loop_.now()))
      log_.write(
          LogLevel::kError,
          fmt::format("the reply of root {} from handler process {} ({}) cannot be read{}: answered with 503",
                      job.route().root, job.worker->number(), job.worker->process(),
                      message.lost_files ? ": this process has no descriptors left (raise the limit of open "
                                           "files: ulimit -n, LimitNOFILE=)"
                                         : ""));
    if (streamed) job.worker->send_control(Header::Kind::kCancel, job.id());
    refuse(job, http::Refusal::kOutOfResources);
    return end(job);
  }
  job.request().take_reply_head(static_cast<int>(header.status), message.part(0), message.part(1));
  send_body(job, message);
}

void WorkerPool::send_body(Job& job, Incoming& message) {
  const Header& header = message.header;
  Reply reply = std::move(job.reply());
  if (header.body == Header::Body::kStream) {
    RemoteStream::Owner& owner = *this;
    auto stream = std::make_unique<RemoteStream>(owner, job, message.part(2));
    if (header.last != 0) {
      stream->finish(true);
      end(job);
    } else {
      job.stream = stream.get();
      job.state = Job::State::kStreaming;
      job.forget_client();
      show(job, BoardState::kStreaming);
    }
    return reply.stream(std::move(stream));
  }
  if (header.body == Header::Body::kInFile) {
    reply.send(FileBody(message.file.release(), header.offset, header.body_size));
  } else if (header.payload_in_file != 0) {
    reply.send(FileBody(message.payload_file.release(), std::uint64_t{header.sizes[0]} + header.sizes[1],
                        header.body_size));
  } else {
    reply.send_copy(message.part(2));
  }
  end(job);
}

void WorkerPool::on_piece(Job& job, const Incoming& message) {
  if (message.header.status > 0) return job.stream->on_piece(message.payload);
  std::exchange(job.stream, nullptr)->finish(message.header.status == BodySource::kEnd);
  end(job);
}

void WorkerPool::on_overdue(Job& job) {
  statistics_.add(Counter::kHandlerTimeouts);
  loop_.set_exact_time();
  if (job.state == Job::State::kWaiting) {
    count_queue(job);
    queue_.remove(job);
    refuse(job, http::Refusal::kWaitedTooLong);
    end(job);
    return count();
  }
  count_handler(job);
  refuse(job, http::Refusal::kHandlerTimeout);
  let_go(job);
}

void WorkerPool::on_client_gone(Job& job) {
  if (job.state == Job::State::kWaiting) {
    queue_.remove(job);
    end(job);
    return count();
  }
  let_go(job);
}

/// Nobody waits for the reply any more; a handler that has not returned keeps its process all the same.
void WorkerPool::let_go(Job& job) {
  job.stop_timer();
  job.forget_client();
  job.worker->send_control(Header::Kind::kCancel, job.id());
  if (job.state == Job::State::kRunning) return show(job, BoardState::kOverdue);
  end(job);
}

void WorkerPool::refuse(Job& job, http::Refusal refusal) {
  statistics_.count_refusal(refusal);
  const http::RefusalInfo& info = http::describe(refusal);
  server::Exchange& request = job.request();
  if (refusals_ != nullptr)
    refusals_->note(refusal, request.client_address(), request.parser().request_line({}));
  const LogLevel level = refusal == http::Refusal::kHandlerDied ? LogLevel::kError : LogLevel::kWarning;
  if (log_.enabled(level) && throttle_.admit(log_, loop_.now())) {
    std::string line = server::refusal_line(refusal, request.client_address().text(),
                                            request.parser().request_line({}), job.route().root);
    if (job.worker != nullptr)
      line += fmt::format("; handler process {} ({})", job.worker->number(), job.worker->process());
    log_.write(level, line);
  }
  Reply reply = std::move(job.reply());
  reply.status(info.status);
  reply.header("Cache-Control", "no-store");
  if (info.status == 503) reply.header("Retry-After", kRetryAfter);
  const bool as_json = http::prefers_json(request.parser().head().fields);
  if (as_json) reply.content_type("application/json");
  reply.send_copy(http::error_body(info.status, info.reason, as_json));
}

}  // namespace httpd::process
