// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/router.h"

#include <algorithm>
#include <bit>

#include <httpd/module.h>

#include "http/escape.h"

namespace httpd::server {
namespace {

bool is_root_char(char byte) noexcept {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         byte == '_' || byte == '.' || byte == '~' || byte == '-';
}

bool is_root_segment(std::string_view segment) noexcept {
  return !segment.empty() && segment != "." && segment != ".." && std::ranges::all_of(segment, is_root_char);
}

bool is_root_path(std::string_view root) noexcept {
  for (;;) {
    const std::size_t slash = root.find('/');
    if (!is_root_segment(root.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    root.remove_prefix(slash + 1);
  }
}

/// FNV-1a: roots are short, and nobody but the administrator chooses them.
std::uint32_t hash_of(std::string_view root) noexcept {
  std::uint32_t hash = 0x811c'9dc5;
  for (const char c : root)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x0100'0193;
  return hash;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::string Route::allow(const MethodSet& without) const {
  std::string list;
  for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kPut, Method::kPatch,
                              Method::kDelete, Method::kOptions}) {
    if (!methods.has(method) || without.has(method)) continue;
    if (!list.empty()) list += ", ";
    list += method_name(method);
  }
  return list;
}

void Router::add(std::string_view module, std::string_view root, std::unique_ptr<Handler> handler) {
  const std::string_view trimmed = trim(root);
  const std::string shown =
      "root path \"" + http::escape_for_log(trimmed) + "\" of module " + std::string(module);
  if (!is_root_path(trimmed))
    throw ConfigError(shown + " is not valid: it consists of segments of A-Z a-z 0-9 _ . ~ - joined by '/'");
  if (const Route* const taken = find_exactly(trimmed); taken != nullptr)
    throw ConfigError(shown + " is already registered by module " + taken->module);

  MethodSet methods = handler->methods();
  if (methods.has(Method::kGet)) methods.add(Method::kHead);
  methods.add(Method::kOptions);
  // The engine answers neither for a handler: CONNECT is for proxies, and TRACE gives fields away.
  methods.remove(Method::kConnect);
  methods.remove(Method::kTrace);
  const bool never_blocks = handler->never_blocks();
  const Route& route = routes_.emplace_back(Route{std::string(trimmed), std::string(module), methods,
                                                  std::move(handler), routes_.size(), never_blocks});
  if (table_.size() < 2 * routes_.size()) {
    table_.assign(std::bit_ceil(2 * routes_.size()), Slot());
    for (const Route& known : routes_)
      enter(known);
  } else {
    enter(route);
  }
  longest_ = std::max(longest_, route.root.size());
}

void Router::enter(const Route& route) noexcept {
  const std::uint32_t hash = hash_of(route.root);
  std::size_t place = hash & (table_.size() - 1);
  while (table_[place].route != kEmpty)
    place = (place + 1) & (table_.size() - 1);
  table_[place] = {hash, static_cast<std::uint32_t>(route.index)};
}

const Route* Router::find_exactly(std::string_view root) const noexcept {
  if (table_.empty()) return nullptr;
  const std::uint32_t hash = hash_of(root);
  for (std::size_t place = hash & (table_.size() - 1); table_[place].route != kEmpty;
       place = (place + 1) & (table_.size() - 1)) {
    if (table_[place].hash != hash) continue;
    const Route& route = routes_[table_[place].route];
    if (route.root == root) return &route;
  }
  return nullptr;
}

const Route* Router::find(std::string_view path) const noexcept {
  if (path.empty() || path.front() != '/') return nullptr;
  path.remove_prefix(1);
  std::size_t end = path.size();
  if (end > longest_) {
    // No root is longer than longest_, so the candidate ends at the last '/' that still fits one.
    end = path.rfind('/', longest_);
    if (end == std::string_view::npos) return nullptr;
  }
  for (;;) {
    if (const Route* const found = find_exactly(path.substr(0, end)); found != nullptr) return found;
    if (end == 0) return nullptr;
    end = path.rfind('/', end - 1);
    if (end == std::string_view::npos) return nullptr;
  }
}

}  // namespace httpd::server
