// What a connection tells the access log, where there is one. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/reply_head.h"
#include "server/access_log/access_log.h"
#include "server/connection.h"

namespace httpd::server {

/// The facts about the request in work. Texts are views of it.
LogFacts Connection::log_facts() const {
  const http::RequestParser& parser = exchange_->parser();
  const http::RequestHead& head = parser.head();
  LogFacts facts;
  facts.client = exchange_->client_address();
  facts.peer = peer_;
  facts.user = exchange_->user();
  facts.request_line = parser.request_line(phase_ == Phase::kHead ? input_ : std::string_view());
  facts.root = exchange_->root();
  facts.request_id = exchange_->request_id();
  facts.tls = tls_.get();
  if (parser.head_text().empty()) return facts;  // nothing else of it is certain
  facts.method = head.method_text;
  facts.path = head.target.path;
  facts.query = head.target.query;
  facts.version = exchange_->version();
  facts.fields = head.fields;
  return facts;
}

/// Bytes that are made and not written.
std::uint64_t Connection::waiting_bytes() const noexcept {
  return queue_.size() + context_.output.size();
}

/// The head of a reply is in the output.
void Connection::log_reply(std::uint64_t length, bool streamed) {
  AccessLog& log = *context_.access_log;
  if (log_ == nullptr) log.begin(log_);
  AccessLog::end_handler(*log_);
  const bool bodiless = exchange_->is_head() || http::is_bodiless(exchange_->status());
  LogFacts facts = log_facts();
  facts.status = exchange_->status();
  facts.content_type = exchange_->content_type();
  facts.reply_fields = exchange_->reply_fields();
  std::optional<std::uint64_t> payload(bodiless ? 0 : length);
  if (streamed && !bodiless) payload.reset();
  log.open(*log_, facts, waiting_bytes(), payload, keep_alive_);
}

void Connection::log_reply_made() noexcept {
  AccessLog::close(*log_, waiting_bytes(), stream_position_);
  log_written(0);
}

void Connection::log_written(std::size_t bytes) noexcept {
  context_.access_log->advance(*log_, bytes);
  if (log_->replies.empty() && exchange_ == nullptr) context_.access_log->give_back(std::move(log_));
}

/// The connection is over.
void Connection::log_end() noexcept {
  AccessLog& log = *context_.access_log;
  log.cut(*log_, stream_position_);
  if (exchange_ != nullptr && !log_->is_answered && !exchange_->parser().head_text().empty()) {
    LogFacts facts = log_facts();
    log.add_unanswered(log_.get(), facts);
  }
  log.give_back(std::move(log_));
}

/// A refusal that the client is not told.
void Connection::log_silent_refusal(int status) noexcept {
  LogFacts facts = log_facts();
  facts.status = status;
  context_.access_log->add_unanswered(nullptr, facts);
}

/// Gives the request in work its id. Handlers see it, and so does the client.
void Connection::identify() {
  exchange_->set_request_id(context_.request_ids->choose(exchange_->parser().head().fields));
}

}  // namespace httpd::server
