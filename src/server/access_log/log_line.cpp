// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/log_line.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include "http/characters.h"
#include "http/escape.h"
#include "http/find_field.h"

namespace httpd::server {
namespace {

using Kind = LogItem::Kind;
using Notation = LogFormat::Notation;

/// Texts from outside are cut at this size, in bytes as they are written, the longer ones at the second.
constexpr std::size_t kLongestText = 2 * 1024;
constexpr std::size_t kLongestRequest = 8 * 1024;
/// What is left of kMaxLogLine when all literals, numbers, and signs of something cut off have their room.
constexpr std::size_t kTextBudget = 32 * 1024;

/// Marks are control characters, which no text in a line has: each stands for one of the items that are known
/// last.
constexpr char mark_of(Kind kind) noexcept {
  return static_cast<char>(1 + static_cast<int>(kind) - static_cast<int>(Kind::kBytes));
}
constexpr Kind kind_of(char mark) noexcept {
  return static_cast<Kind>(static_cast<int>(Kind::kBytes) + mark - 1);
}
constexpr char kLastMark = mark_of(Kind::kEndWord);
static_assert(kLastMark < '\t', "and a tabulator is allowed");

void append_number(std::uint64_t number, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_digits(std::uint64_t number, std::size_t width, std::string& out) {
  char digits[20];
  for (std::size_t i = width; i > 0; number /= 10)
    digits[--i] = static_cast<char>('0' + number % 10);
  out.append(digits, width);
}

std::uint64_t not_negative(std::chrono::microseconds time) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()));
}

std::string_view address_text(const net::Address& address,
                              std::span<char, INET6_ADDRSTRLEN> buffer) noexcept {
  if (address.family() == AF_INET) {
    std::uint32_t bits = ntohl(reinterpret_cast<const sockaddr_in&>(address.get()).sin_addr.s_addr);
    char* at = buffer.data();
    for (int part = 0; part < 4; ++part, bits <<= 8U) {
      if (part > 0) *at++ = '.';
      at = std::to_chars(at, buffer.data() + buffer.size(), bits >> 24U).ptr;
    }
    return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
  }
  if (address.family() == AF_INET6 &&
      ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address.get()).sin6_addr, buffer.data(),
                  static_cast<socklen_t>(buffer.size())) != nullptr)
    return buffer.data();
  return address.family() == AF_UNIX ? "unix" : "";
}

/// The value of a field in whole header lines.
std::string_view field_in(std::string_view lines, std::string_view name) noexcept {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        !http::iequals(line.substr(0, name.size()), name))
      continue;
    line.remove_prefix(name.size() + 1);
    while (line.starts_with(' '))
      line.remove_prefix(1);
    return line;
  }
  return {};
}

std::string_view field_of(const LogFacts& facts, const LogItem& item) noexcept {
  if (item.kind == Kind::kRequestField) return http::find_field(facts.fields, item.text).value_or("");
  if (http::iequals(item.text, "Content-Type")) return facts.content_type;
  if (http::iequals(item.text, "X-Request-Id")) return facts.request_id;
  return field_in(facts.reply_fields, item.text);
}

std::string_view tls_text(const TlsSession* tls, Kind kind) noexcept {
  if (tls == nullptr) return {};
  if (kind == Kind::kTlsVersion) return tls->version;
  if (kind == Kind::kTlsCipher) return tls->cipher_suite;
  return kind == Kind::kTlsServerName ? tls->server_name : tls->client_subject;
}

/// Writes items to the end of a line.
class LineWriter {
 public:
  LineWriter(const LogFacts& facts, LogClock& clock, std::string& out) noexcept
      : facts_(facts), clock_(clock), out_(out) {}

  void write(const LogItem& item, Notation notation) {
    notation_ = notation;
    switch (item.kind) {
      case Kind::kLiteral:
        out_ += item.text;
        break;
      case Kind::kClient:
        text(address_text(facts_.client, buffer_));
        break;
      case Kind::kPeer:
        text(address_text(facts_.peer, buffer_));
        break;
      case Kind::kTime:
        out_ += clock_.local(second());
        break;
      case Kind::kIsoTime:
        write_iso_time();
        break;
      case Kind::kRequestLine:
        text(facts_.request_line, kLongestRequest);
        break;
      case Kind::kPath:
        text(facts_.path, kLongestRequest);
        break;
      case Kind::kQuery:
        write_query();
        break;
      case Kind::kMethod:
        text(facts_.method);
        break;
      case Kind::kVersion:
        text(facts_.version);
        break;
      case Kind::kUser:
        text(facts_.user);
        break;
      case Kind::kRoot:
        text(facts_.root);
        break;
      case Kind::kRequestId:
        text(facts_.request_id);
        break;
      case Kind::kStatus:
        facts_.status == 0 ? nothing() : append_number(static_cast<std::uint64_t>(facts_.status), out_);
        break;
      case Kind::kHandlerTime:
        facts_.handler_time ? append_number(not_negative(*facts_.handler_time), out_) : nothing();
        break;
      case Kind::kRequestField:
      case Kind::kReplyField:
        text(field_of(facts_, item));
        break;
      case Kind::kTlsVersion:
      case Kind::kTlsCipher:
      case Kind::kTlsServerName:
      case Kind::kTlsSubject:
        text(tls_text(facts_.tls, item.kind));
        break;
      case Kind::kBytes:
      case Kind::kBytesOrDash:
      case Kind::kTotalTime:
      case Kind::kTotalSeconds:
      case Kind::kEndSign:
      case Kind::kEndWord:
        write_mark(item.kind);
        break;
    }
  }

 private:
  [[nodiscard]] std::time_t second() const noexcept {
    return std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(facts_.time));
  }

  void nothing() { out_ += notation_ == Notation::kJson ? "null" : "-"; }

  void text(std::string_view value, std::size_t longest = kLongestText) {
    if (value.empty()) return nothing();
    const std::size_t begin = out_.size();
    longest = std::min(longest, budget_);
    if (notation_ == Notation::kJson) {
      out_ += '"';
      http::append_json(value, longest, out_);
      out_ += '"';
    } else {
      http::append_for_log(value, longest, out_);
    }
    budget_ -= std::min(budget_, out_.size() - begin);
  }

  /// With its question mark, so that it stands behind the path as it came.
  void write_query() {
    if (facts_.query.empty()) return;
    out_ += '?';
    text(facts_.query, kLongestRequest);
  }

  void write_iso_time() {
    const bool quoted = notation_ == Notation::kJson;
    if (quoted) out_ += '"';
    out_ += clock_.iso(second());
    out_ += '.';
    const auto since = facts_.time - std::chrono::floor<std::chrono::seconds>(facts_.time);
    append_digits(not_negative(std::chrono::duration_cast<std::chrono::microseconds>(since)), 6, out_);
    out_ += quoted ? "Z\"" : "Z";
  }

  void write_mark(Kind kind) {
    const bool quoted = notation_ == Notation::kJson && kind == Kind::kEndWord;
    if (quoted) out_ += '"';
    out_ += mark_of(kind);
    if (quoted) out_ += '"';
  }

  const LogFacts& facts_;
  LogClock& clock_;
  std::string& out_;
  Notation notation_ = Notation::kLog;
  std::size_t budget_ = kTextBudget;
  char buffer_[INET6_ADDRSTRLEN];
};

std::string_view word_of(LogOutcome::End end) noexcept {
  if (end == LogOutcome::End::kCut) return "cut";
  return end == LogOutcome::End::kKept ? "kept" : "closed";
}

void append_late(Kind kind, const LogOutcome& outcome, std::string& out) {
  const std::uint64_t total = not_negative(outcome.total);
  switch (kind) {
    case Kind::kBytesOrDash:
      if (outcome.body_bytes == 0) {
        out += '-';
        break;
      }
      [[fallthrough]];
    case Kind::kBytes:
      append_number(outcome.body_bytes, out);
      break;
    case Kind::kTotalTime:
      append_number(total, out);
      break;
    case Kind::kTotalSeconds:
      append_number(total / 1'000'000, out);
      out += '.';
      append_digits(total % 1'000'000, 6, out);
      break;
    case Kind::kEndSign:
      out += static_cast<char>(outcome.end);
      break;
    default:
      out += word_of(outcome.end);
      break;
  }
}

}  // namespace

std::string_view LogClock::local(std::time_t second) noexcept {
  if (second != local_second_) {
    std::tm fields{};
    ::localtime_r(&second, &fields);
    // Not strftime's %b, which a locale may translate.
    constexpr const char* kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::size_t day = std::strftime(local_, sizeof local_, "[%d/", &fields);
    std::copy_n(kMonths + static_cast<std::ptrdiff_t>(3) * fields.tm_mon, 3, local_ + day);
    std::strftime(local_ + day + 3, sizeof local_ - day - 3, "/%Y:%H:%M:%S %z]", &fields);
    local_second_ = second;
  }
  return local_;
}

std::string_view LogClock::iso(std::time_t second) noexcept {
  if (second != iso_second_) {
    std::tm fields{};
    ::gmtime_r(&second, &fields);
    std::strftime(iso_, sizeof iso_, "%Y-%m-%dT%H:%M:%S", &fields);
    iso_second_ = second;
  }
  return iso_;
}

void begin_log_line(const LogFormat& format, const LogFacts& facts, LogClock& clock, std::string& out) {
  LineWriter writer(facts, clock, out);
  const auto& items = format.items();
  for (std::size_t i = 0; i < items.size(); ++i)
    writer.write(items[i], i < format.fields_begin() ? format.notation() : Notation::kLog);
}

void finish_log_line(std::string_view begun, const LogOutcome& outcome, std::string& out) {
  while (true) {
    const auto* const mark = std::ranges::find_if(begun, [](char c) { return c > 0 && c <= kLastMark; });
    const auto before = static_cast<std::size_t>(mark - begun.begin());
    out += begun.substr(0, before);
    if (before == begun.size()) break;
    append_late(kind_of(begun[before]), outcome, out);
    begun.remove_prefix(before + 1);
  }
  out += '\n';
}

}  // namespace httpd::server
