// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/forwarded.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "http/characters.h"

namespace httpd::http {
namespace {

bool is_ip_char(char c) noexcept {
  return in_class(c, CharClass::kHex) || c == '.' || c == ':';
}

/// A port, or the name that hides one ("_" and more), which reads as 0.
bool read_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.starts_with('_')) return true;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

/// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1", "unknown", "_hidden".
std::optional<ForwardedNode> read_node(std::string_view text) {
  ForwardedNode node;
  if (text.empty()) return std::nullopt;
  if (text.front() == '_' || iequals(text.substr(0, text.find(':')), "unknown")) return node;
  std::string_view ip = text;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ip = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    // More than one colon makes it an IPv6 address without brackets, which has no room for a port.
    const std::size_t colon = text.find(':');
    if (colon == text.rfind(':')) ip = text.substr(0, colon);
    text.remove_prefix(ip.size());
  }
  if (ip.empty() || !std::ranges::all_of(ip, is_ip_char)) return std::nullopt;
  if (!text.empty() && (text.front() != ':' || !read_port(text.substr(1), node.port))) return std::nullopt;
  node.ip = ip;
  return node;
}

/// Takes elements of RFC 7239 section 4 to pieces.
class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view text) noexcept : rest_(text) {}

  bool read(std::vector<ForwardedNode>& nodes) {
    for (;;) {
      skip_blanks();
      if (rest_.empty()) return true;
      if (take(',')) continue;  // an empty element (RFC 9110 section 5.6.1.2)
      if (!read_element(nodes)) return false;
      skip_blanks();
      if (!rest_.empty() && !take(',')) return false;
    }
  }

 private:
  bool take(char wanted) noexcept {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() noexcept {
    while (!rest_.empty() && is_blank(rest_.front()))
      rest_.remove_prefix(1);
  }

  bool read_element(std::vector<ForwardedNode>& nodes) {
    std::optional<ForwardedNode> node;
    do {
      skip_blanks();
      // Parameters may be left out: "for=192.0.2.1;".
      if (rest_.empty() || rest_.front() == ',' || rest_.front() == ';') continue;
      const std::string_view name = token();
      if (name.empty() || !take('=') || !read_value()) return false;
      if (iequals(name, "for")) {
        if (node) return false;
        node = read_node(value_);
        if (!node) return false;
      }
      skip_blanks();
    } while (take(';'));
    nodes.push_back(node.value_or(ForwardedNode{}));
    return true;
  }

  std::string_view token() noexcept {
    const auto end = std::ranges::find_if_not(rest_, is_tchar);
    const std::string_view text = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(text.size());
    return text;
  }

  /// A token, or a quoted string (RFC 9110 section 5.6.4), without its quotes, to value_.
  bool read_value() {
    value_.clear();
    if (!take('"')) {
      value_ = token();
      return !value_.empty();
    }
    while (!rest_.empty()) {
      if (take('"')) return true;
      if (take('\\') && rest_.empty()) return false;
      value_ += rest_.front();
      rest_.remove_prefix(1);
    }
    return false;
  }

  std::string_view rest_;
  std::string value_;
};

}  // namespace

bool parse_forwarded(std::string_view value, std::vector<ForwardedNode>& nodes) {
  return ForwardedReader(value).read(nodes);
}

bool parse_x_forwarded_for(std::string_view value, std::vector<ForwardedNode>& nodes) {
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view text = trim_ows(value.substr(0, comma));
    if (!text.empty()) {
      std::optional<ForwardedNode> node = read_node(text);
      if (!node) return false;
      nodes.push_back(std::move(*node));
    }
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

}  // namespace httpd::http
