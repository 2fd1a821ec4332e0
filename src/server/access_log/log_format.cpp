// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/log_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include <httpd/module.h>

#include "http/characters.h"
#include "http/escape.h"

namespace httpd::server {
namespace {

using Kind = LogItem::Kind;

constexpr std::string_view kCombined = R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i")";

constexpr std::array<std::pair<char, Kind>, 17> kDirectives{{{'h', Kind::kClient},
                                                             {'a', Kind::kClient},
                                                             {'u', Kind::kUser},
                                                             {'t', Kind::kTime},
                                                             {'r', Kind::kRequestLine},
                                                             {'m', Kind::kMethod},
                                                             {'U', Kind::kPath},
                                                             {'q', Kind::kQuery},
                                                             {'H', Kind::kVersion},
                                                             {'s', Kind::kStatus},
                                                             {'b', Kind::kBytesOrDash},
                                                             {'B', Kind::kBytes},
                                                             {'R', Kind::kRoot},
                                                             {'I', Kind::kRequestId},
                                                             {'D', Kind::kHandlerTime},
                                                             {'T', Kind::kTotalSeconds},
                                                             {'X', Kind::kEndSign}}};

/// As Apache's mod_ssl names them.
constexpr std::array<std::pair<std::string_view, Kind>, 4> kTlsVariables{
    {{"SSL_PROTOCOL", Kind::kTlsVersion},
     {"SSL_CIPHER", Kind::kTlsCipher},
     {"SSL_TLS_SNI", Kind::kTlsServerName},
     {"SSL_CLIENT_S_DN", Kind::kTlsSubject}}};

/// Fields whose values are secrets: a log is read by more people than may use these.
constexpr std::array<std::string_view, 4> kSecret{"Authorization", "Proxy-Authorization", "Cookie",
                                                  "Set-Cookie"};

constexpr std::array<std::pair<std::string_view, Kind>, 19> kJson{{{"time", Kind::kIsoTime},
                                                                   {"client", Kind::kClient},
                                                                   {"peer", Kind::kPeer},
                                                                   {"user", Kind::kUser},
                                                                   {"request", Kind::kRequestLine},
                                                                   {"method", Kind::kMethod},
                                                                   {"path", Kind::kPath},
                                                                   {"status", Kind::kStatus},
                                                                   {"body_bytes", Kind::kBytes},
                                                                   {"referer", Kind::kRequestField},
                                                                   {"user_agent", Kind::kRequestField},
                                                                   {"root", Kind::kRoot},
                                                                   {"request_id", Kind::kRequestId},
                                                                   {"handler_us", Kind::kHandlerTime},
                                                                   {"total_us", Kind::kTotalTime},
                                                                   {"connection", Kind::kEndWord},
                                                                   {"tls_version", Kind::kTlsVersion},
                                                                   {"tls_cipher", Kind::kTlsCipher},
                                                                   {"tls_client", Kind::kTlsSubject}}};

/// What the journal's records have besides the line.
constexpr std::array<std::pair<std::string_view, Kind>, 12> kJournal{
    {{"HTTPD_CLIENT", Kind::kClient},
     {"HTTPD_USER", Kind::kUser},
     {"HTTPD_METHOD", Kind::kMethod},
     {"HTTPD_PATH", Kind::kPath},
     {"HTTPD_STATUS", Kind::kStatus},
     {"HTTPD_BODY_BYTES", Kind::kBytes},
     {"HTTPD_ROOT", Kind::kRoot},
     {"HTTPD_REQUEST_ID", Kind::kRequestId},
     {"HTTPD_HANDLER_US", Kind::kHandlerTime},
     {"HTTPD_TOTAL_US", Kind::kTotalTime},
     {"HTTPD_CONNECTION", Kind::kEndWord},
     {"HTTPD_TLS_VERSION", Kind::kTlsVersion}}};

void add_literal(std::vector<LogItem>& items, std::string_view text) {
  if (items.empty() || items.back().kind != Kind::kLiteral) items.push_back({Kind::kLiteral, {}});
  items.back().text += text;
}

/// Reads a format of the administrator's own.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : text_(text) {}

  std::vector<LogItem> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '%') {
        begin_ = at_++;
        read_directive();
      } else if (c == '\t' || http::is_field_vchar(c) || c == ' ') {
        add_literal(items_, text_.substr(at_++, 1));
      } else {
        begin_ = at_;
        fail("a control character");
      }
    }
    return std::move(items_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError("character " + std::to_string(begin_ + 1) + " of the format: " + what);
  }

  void read_directive() {
    std::string name;
    const bool named = at_ < text_.size() && text_[at_] == '{';
    if (named) {
      const std::size_t end = text_.find('}', at_);
      if (end == std::string_view::npos) fail("a '{' without its '}'");
      name = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else if (at_ < text_.size() && text_[at_] == '>') {
      ++at_;  // Apache's: the last status of a request. There is only one here.
      if (at_ == text_.size() || text_[at_] != 's') fail("%> is for %>s alone");
    }
    if (at_ == text_.size()) fail("the end comes in a directive");
    const char letter = text_[at_++];
    if (named) return add_named(letter, name);
    if (letter == '%') return add_literal(items_, "%");
    if (letter == 'l') return add_literal(items_, "-");  // what identd says: nobody asks
    const auto* const found = std::ranges::find(kDirectives, letter, &std::pair<char, Kind>::first);
    if (found == kDirectives.end())
      fail("there is no directive \"%" + http::escape_for_log(std::string_view(&letter, 1)) + '"');
    items_.push_back({found->second, {}});
  }

  void add_named(char letter, const std::string& name) {
    if (letter == 'i' || letter == 'o') {
      if (!http::is_token(name)) fail('"' + http::escape_for_log(name) + "\" is no name of a header field");
      if (std::ranges::any_of(kSecret, [&](std::string_view secret) { return http::iequals(secret, name); }))
        fail("the field " + name + " carries credentials, which have no place in a log");
      return items_.push_back({letter == 'i' ? Kind::kRequestField : Kind::kReplyField, name});
    }
    if (letter == 'a' && name == "c") return items_.push_back({Kind::kPeer, {}});
    if (letter == 'T' && name == "s") return items_.push_back({Kind::kTotalSeconds, {}});
    if (letter == 'T' && name == "us") return items_.push_back({Kind::kTotalTime, {}});
    if (letter == 't' && name == "iso") return items_.push_back({Kind::kIsoTime, {}});
    const auto* const tls = std::ranges::find(kTlsVariables, name, &std::pair<std::string_view, Kind>::first);
    if (letter != 'x' || tls == kTlsVariables.end())
      fail("there is no directive \"%{" + http::escape_for_log(name) + '}' +
           http::escape_for_log(std::string_view(&letter, 1)) + '"');
    items_.push_back({tls->second, {}});
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // of the directive at hand
  std::vector<LogItem> items_;
};

std::vector<LogItem> json_items() {
  std::vector<LogItem> items;
  char before = '{';
  for (const auto& [name, kind] : kJson) {
    add_literal(items, std::string(1, before) + '"' + std::string(name) + "\":");
    before = ',';
    items.push_back({kind, name == "referer" ? "Referer" : kind == Kind::kRequestField ? "User-Agent" : ""});
  }
  add_literal(items, "}");
  return items;
}

}  // namespace

LogFormat LogFormat::parse(std::string_view text) {
  LogFormat format;
  if (text.empty()) throw ConfigError("the format is empty");
  if (text.size() > kMaxSize)
    throw ConfigError("the format is longer than " + std::to_string(kMaxSize) + " bytes");
  if (text == "json") {
    format.notation_ = Notation::kJson;
    format.items_ = json_items();
  } else {
    format.items_ = Reader(text == "combined" ? kCombined : text).read();
  }
  return format;
}

LogFormat LogFormat::for_journal(std::string_view text) {
  LogFormat format = parse(text);
  std::vector<LogItem> items;
  add_literal(items, "MESSAGE=");
  for (LogItem& item : format.items_) {
    if (item.kind == Kind::kLiteral) {
      add_literal(items, item.text);
    } else {
      items.push_back(std::move(item));
    }
  }
  format.fields_begin_ = items.size();
  for (const auto& [name, kind] : kJournal) {
    items.push_back({Kind::kLiteral, kFieldSeparator + std::string(name) + '='});
    items.push_back({kind, {}});
  }
  format.items_ = std::move(items);
  return format;
}

}  // namespace httpd::server
