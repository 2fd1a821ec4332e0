// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/access_log.h"

#include <algorithm>
#include <new>
#include <utility>

namespace httpd::server {
namespace {

constexpr std::size_t kSpareRecords = 16;
constexpr std::size_t kKeptTexts = 16 * 1024;  // bytes of memory that a record at rest may keep

net::TimePoint exact_now() noexcept {
  return std::chrono::steady_clock::now();
}

std::chrono::microseconds since(net::TimePoint begin, net::TimePoint now) noexcept {
  return std::chrono::duration_cast<std::chrono::microseconds>(now - begin);
}

LogFormat format_of(const AccessLogSettings& settings) {
  return settings.target == AccessLogSettings::Target::kJournal ? LogFormat::for_journal(settings.format)
                                                                : LogFormat::parse(settings.format);
}

/// What of the body is out: all that is written beyond the head, as far as it is no framing.
std::uint64_t body_bytes(const LogRecord::Reply& reply, std::uint64_t sent) noexcept {
  return sent <= reply.body_begin ? 0 : std::min(reply.payload, sent - reply.body_begin);
}

}  // namespace

AccessLog::AccessLog(net::EventLoop& loop, const AccessLogSettings& settings, int descriptor,
                     Statistics& statistics, Log& log)
    : format_(format_of(settings)), buffer_(loop, descriptor, statistics, log) {
  spare_.reserve(kSpareRecords);
}

void AccessLog::begin(Record& record) {
  if (record == nullptr) {
    if (spare_.empty()) {
      record = std::make_unique<LogRecord>();
    } else {
      record = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  record->began = exact_now();
  record->handler_time.reset();
  record->is_called = record->is_answered = false;
}

void AccessLog::call_handler(LogRecord& record) noexcept {
  record.called = exact_now();
  record.is_called = true;
}

void AccessLog::end_handler(LogRecord& record) noexcept {
  if (record.is_called && !record.handler_time) record.handler_time = since(record.called, exact_now());
}

void AccessLog::open(LogRecord& record, LogFacts& facts, std::uint64_t waiting,
                     std::optional<std::uint64_t> payload, bool keeps_connection) {
  facts.handler_time = record.handler_time;
  facts.time = std::chrono::system_clock::now() - (exact_now() - record.began);
  const std::size_t before = record.texts.size();
  const std::uint64_t body_begin = record.sent + waiting;
  record.replies.push_back(
      {body_begin, body_begin + payload.value_or(0), payload.value_or(0), 0, record.began,
       keeps_connection ? LogOutcome::End::kKept : LogOutcome::End::kClosed, !payload.has_value()});
  record.is_answered = true;
  try {
    begin_log_line(format_, facts, clock_, record.texts);
  } catch (const std::bad_alloc&) {
    record.texts.resize(before);
    record.replies.pop_back();
    throw;
  }
  record.replies.back().text = record.texts.size() - before;
}

void AccessLog::close(LogRecord& record, std::uint64_t waiting, std::uint64_t payload) noexcept {
  if (record.replies.empty() || !record.replies.back().is_open) return;
  LogRecord::Reply& reply = record.replies.back();
  reply.is_open = false;
  reply.end = record.sent + waiting;
  reply.payload = payload;
}

void AccessLog::advance(LogRecord& record, std::uint64_t bytes) noexcept {
  record.sent += bytes;
  const auto is_out = [&](const LogRecord::Reply& reply) {
    return !reply.is_open && reply.end <= record.sent;
  };
  if (record.replies.empty() || !is_out(record.replies.front())) return;
  const net::TimePoint now = exact_now();
  std::size_t text = 0;
  auto next = record.replies.begin();
  for (; next != record.replies.end() && is_out(*next); text += next->text, ++next)
    add(std::string_view(record.texts).substr(text, next->text),
        {next->payload, since(next->began, now), next->outcome});
  record.replies.erase(record.replies.begin(), next);
  record.texts.erase(0, text);
}

void AccessLog::give_back(Record record) noexcept {
  if (spare_.size() == kSpareRecords || record->texts.capacity() > kKeptTexts) return;
  record->sent = 0;
  spare_.push_back(std::move(record));
}

void AccessLog::cut(LogRecord& record, std::uint64_t payload) noexcept {
  if (record.replies.empty()) return;
  close(record, 0, payload);
  const net::TimePoint now = exact_now();
  std::size_t text = 0;
  for (const LogRecord::Reply& reply : record.replies) {
    // A stream of which all is written, but not its end, is cut all the same.
    add(std::string_view(record.texts).substr(text, reply.text),
        {body_bytes(reply, record.sent), since(reply.began, now), LogOutcome::End::kCut});
    text += reply.text;
  }
  record.replies.clear();
  record.texts.clear();
}

void AccessLog::add_unanswered(const LogRecord* record, LogFacts& facts) noexcept {
  LogOutcome outcome{0, std::chrono::microseconds{0}, LogOutcome::End::kCut};
  if (record != nullptr) {
    const net::TimePoint now = exact_now();
    outcome.total = since(record->began, now);
    if (record->is_called) facts.handler_time = record->handler_time.value_or(since(record->called, now));
  }
  add_now(facts, outcome);
}

void AccessLog::add_refusal(LogFacts& facts, std::uint64_t body_bytes, bool is_out) noexcept {
  add_now(facts, {is_out ? body_bytes : 0, std::chrono::microseconds{0},
                  is_out ? LogOutcome::End::kClosed : LogOutcome::End::kCut});
}

void AccessLog::add_now(LogFacts& facts, const LogOutcome& outcome) noexcept {
  facts.time = std::chrono::system_clock::now() - outcome.total;
  try {
    std::string text;
    begin_log_line(format_, facts, clock_, text);
    add(text, outcome);
  } catch (const std::bad_alloc&) {
    buffer_.drop(1);
  }
}

void AccessLog::add(std::string_view begun, const LogOutcome& outcome) noexcept {
  try {
    line_.clear();
    finish_log_line(begun, outcome, line_);
    buffer_.add(line_);
  } catch (const std::bad_alloc&) {
    buffer_.drop(1);
  }
}

}  // namespace httpd::server
