// Fuzz target: request targets, paths and hosts. The whole input is each of them in turn.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <httpd/method.h>

#include "http/target.h"
#include "require.h"

namespace {

using httpd::Method;
using httpd::fuzz::require;
using httpd::http::decode_path;
using httpd::http::HostAndPort;
using httpd::http::is_valid_host;
using httpd::http::Target;

constexpr std::size_t kNone = std::string_view::npos;

void fuzz_path(std::string_view raw) {
  std::string path = "left from before";
  if (!decode_path(raw, path)) {
    require(path.empty());
    return;
  }
  require(path.size() <= raw.size());
  const std::string framed = path + "/";
  require(("/" + framed).find("/./") == kNone && ("/" + framed).find("/../") == kNone);
  require(path.find('\\') == kNone);
  std::string written;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    require(byte >= 0x20 && byte != 0x7F);
    if (c == '/') {
      written += c;
    } else {
      written += {'%', "0123456789abcdef"[byte >> 4U], "0123456789abcdef"[byte & 0xFU]};
    }
  }
  std::string again;
  require(decode_path(written, again) && again == path);
}

/// A literal in brackets is taken exactly when the C library takes it as an IPv6 address, or it is an
/// IPvFuture.
void fuzz_ip_literal(std::string_view literal) {
  const std::string text(literal);
  if (literal.find_first_of(std::string_view("]\0", 2)) != kNone) return;
  if (!literal.empty() && (literal.front() == 'v' || literal.front() == 'V')) return;
  in6_addr address{};
  require(is_valid_host("[" + text + "]") == (inet_pton(AF_INET6, text.c_str(), &address) == 1));
}

void fuzz_host(std::string_view text) {
  const std::optional<HostAndPort> host = httpd::http::parse_host(text);
  require(host.has_value() == is_valid_host(text));
  if (!host) return;
  require(!host->host.empty() && text.starts_with(host->host));
  require(host->port >= -1 && host->port <= 65535);
  for (const char c : text)
    require(c > ' ' && c < '\x7f');
  require(text.find_first_of("@/\\?#\"<>") == kNone);
}

void check_target(const Target& target, Method method, std::string_view text) {
  require((target.form == Target::Form::kAuthority) == (method == Method::kConnect));
  require(target.form != Target::Form::kAsterisk || (method == Method::kOptions && text == "*"));
  const bool has_path = target.form == Target::Form::kOrigin || target.form == Target::Form::kAbsolute;
  require(has_path ? target.path.starts_with('/') : target.path.empty());
  require(target.has_query || target.query.empty());
  require(target.path.find('?') == kNone && text.find('#') == kNone);
  if (target.form == Target::Form::kOrigin || target.form == Target::Form::kAsterisk) {
    require(target.authority.empty());
  } else {
    require(is_valid_host(target.authority));
  }
  for (const std::string_view part : {target.authority, target.query}) {
    require(part.empty() || (std::less_equal<>()(text.data(), part.data()) &&
                             std::less_equal<>()(part.data() + part.size(), text.data() + text.size())));
  }
  if (target.form == Target::Form::kOrigin) {
    std::string joined(target.path);
    if (target.has_query) joined.append("?").append(target.query);
    require(joined == text);
  }
  fuzz_path(target.path);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Method method : {Method::kGet, Method::kPost, Method::kOptions, Method::kConnect}) {
    const std::optional<Target> target = httpd::http::parse_target(method, text);
    if (target) check_target(*target, method, text);
  }
  fuzz_path(text);
  fuzz_host(text);
  fuzz_ip_literal(text);
  return 0;
}
