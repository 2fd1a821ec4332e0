// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/rules.h"

#include <algorithm>
#include <fmt/format.h>

#include <httpd/module.h>

#include "http/characters.h"
#include "http/escape.h"
#include "http/origin.h"
#include "server/access/list.h"

namespace httpd::server {
namespace {

constexpr std::string_view kExample = "root=metrics; allow=10.0.0.0/8,::1; auth=off";

bool read_switch(std::string_view value) {
  if (value == "on") return true;
  if (value == "off") return false;
  throw ConfigError("is not \"on\" or \"off\"");
}

std::string read_root(std::string_view value) {
  while (value.starts_with('/'))
    value.remove_prefix(1);
  while (value.ends_with('/'))
    value.remove_suffix(1);
  if (value.empty()) throw ConfigError("names no root path: leave root= out for what holds everywhere");
  return std::string(value);
}

std::vector<std::string> read_users(std::string_view value) {
  std::vector<std::string> users;
  for_each_part(value, ',', [&users](std::string_view name) {
    if (name.empty()) throw ConfigError("has an empty name in its list");
    users.emplace_back(name);
  });
  return users;
}

/// Sets what is set only once.
template <typename Value>
void set_once(std::optional<Value>& target, Value value) {
  if (target) throw ConfigError("stands twice");
  target = std::move(value);
}

template <typename List>
void read_list(std::optional<List>& target, std::string_view value) {
  List list;
  list.add(value);
  set_once(target, std::move(list));
}

void read_pair(AccessRule& rule, std::string_view key, std::string_view value) {
  if (key == "root") {
    if (!rule.root.empty()) throw ConfigError("stands twice");
    rule.root = read_root(value);
  } else if (key == "allow") {
    read_list(rule.allow, value);
  } else if (key == "deny") {
    read_list(rule.deny, value);
  } else if (key == "auth") {
    set_once(rule.auth, read_switch(value));
  } else if (key == "users") {
    set_once(rule.users, read_users(value));
  } else if (key == "client_cert") {
    set_once(rule.client_cert, read_switch(value));
  } else if (key == "cors_origins") {
    read_list(rule.cors_origins, value);
  } else if (key == "cross_site") {
    set_once(rule.cross_site, read_switch(value));
  } else {
    throw ConfigError(
        "is no key: there are root, allow, deny, auth, users, client_cert, cors_origins and "
        "cross_site");
  }
}

/// True when `root` is `path`, or owns it as a beginning of its segments.
bool is_above(std::string_view root, std::string_view path) noexcept {
  return root.empty() || (path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/'));
}

/// Takes over what `rule` says. Rules of longer roots come later.
void apply(const AccessRule& rule, Policy& policy) {
  if (rule.allow) policy.allow = rule.allow;
  if (rule.deny) policy.deny = rule.deny;
  policy.auth = rule.auth.value_or(policy.auth);
  if (rule.users) policy.users = rule.users;
  policy.client_cert = rule.client_cert.value_or(policy.client_cert);
  policy.cors_origins = rule.cors_origins.value_or(policy.cors_origins);
  policy.cross_site = rule.cross_site.value_or(policy.cross_site);
}

/// Joins lines of one root.
template <typename Value>
void join(std::optional<Value>& target, const std::optional<Value>& more, std::string_view key,
          std::string_view root) {
  if (!more) return;
  if (target)
    throw ConfigError(fmt::format("access: {} of {} is set by two lines: write it into one", key,
                                  root.empty() ? "all roots" : fmt::format("root {}", root)));
  target = more;
}

std::vector<AccessRule> joined(const std::vector<AccessRule>& rules) {
  std::vector<AccessRule> result;
  for (const AccessRule& rule : rules) {
    auto same = std::ranges::find(result, rule.root, &AccessRule::root);
    if (same == result.end()) {
      result.push_back(rule);
      continue;
    }
    join(same->allow, rule.allow, "allow", rule.root);
    join(same->deny, rule.deny, "deny", rule.root);
    join(same->auth, rule.auth, "auth", rule.root);
    join(same->users, rule.users, "users", rule.root);
    join(same->client_cert, rule.client_cert, "client_cert", rule.root);
    join(same->cors_origins, rule.cors_origins, "cors_origins", rule.root);
    join(same->cross_site, rule.cross_site, "cross_site", rule.root);
  }
  // All that hold for a path are beginnings of it, so that the shorter ones are those above.
  std::ranges::stable_sort(result, {}, [](const AccessRule& rule) { return rule.root.size(); });
  return result;
}

}  // namespace

void Origins::add(std::string_view list) {
  for_each_part(list, ',', [this](std::string_view text) {
    if (text == "*") {
      any_ = true;
      return;
    }
    const std::optional<http::Origin> origin = http::parse_origin(text);
    if (!origin)
      throw ConfigError(fmt::format(R"(has "{}", which is no origin such as "https://console.example:8443")",
                                    http::escape_for_log(text)));
    origins_.emplace_back(text);
  });
}

bool Origins::contains(std::string_view origin) const noexcept {
  if (any_) return true;
  const std::optional<http::Origin> asked = http::parse_origin(origin);
  return asked && std::ranges::any_of(origins_, [&asked](const std::string& text) {
           return http::same_origin(*http::parse_origin(text), *asked);
         });
}

AccessRule AccessRule::parse(std::string_view text) {
  AccessRule rule;
  bool empty = true;
  for_each_part(text, ';', [&](std::string_view part) {
    if (part.empty()) return;
    empty = false;
    const std::size_t equals = part.find('=');
    const std::string_view key = http::trim_ows(part.substr(0, equals));
    try {
      if (equals == std::string_view::npos) throw ConfigError("has no value");
      read_pair(rule, key, http::trim_ows(part.substr(equals + 1)));
    } catch (const ConfigError& error) {
      throw ConfigError(
          fmt::format("{} {}; a good line is \"{}\"", http::escape_for_log(key), error.what(), kExample));
    }
  });
  if (empty) throw ConfigError(fmt::format("says nothing; a good line is \"{}\"", kExample));
  return rule;
}

bool Policy::admits(const net::Address& client) const noexcept {
  // Whoever has no address that is known is not in a list, and nobody can say that he is not in the other.
  if (client.family() == AF_UNSPEC) return !allow && !deny;
  return !(deny && deny->contains(client)) && (!allow || allow->contains(client));
}

Policies::Policies(const std::vector<AccessRule>& rules, const Router& router) {
  const std::vector<AccessRule> by_length = joined(rules);
  Policy& elsewhere = policies_.emplace_back();
  for (const AccessRule& rule : by_length)
    if (rule.root.empty()) apply(rule, elsewhere);
  by_root_.reserve(router.routes().size());
  for (const Route& route : router.routes()) {
    const auto concerns = [&route](const AccessRule& rule) { return is_above(rule.root, route.root); };
    const bool has_own = std::ranges::any_of(
        by_length, [&](const AccessRule& rule) { return !rule.root.empty() && concerns(rule); });
    if (!has_own) {
      by_root_.push_back(&elsewhere);
      continue;
    }
    Policy& policy = policies_.emplace_back();
    for (const AccessRule& rule : by_length)
      if (concerns(rule)) apply(rule, policy);
    by_root_.push_back(&policy);
  }
}

const Policy& Policies::of(const Route* route) const noexcept {
  return route == nullptr ? policies_.front() : *by_root_[route->index];
}

bool Policies::admits_somewhere(const net::Address& client) const noexcept {
  return std::ranges::any_of(policies_, [&client](const Policy& policy) { return policy.admits(client); });
}

void check_rules(const std::vector<AccessRule>& rules, const Router& router) {
  const Policies policies(rules, router);
  for (const Route& route : router.routes())
    if (const Policy& policy = policies.of(&route); policy.users && !policy.auth)
      throw ConfigError(
          fmt::format("access: root {} has users, but auth=off: nobody is asked who he is", route.root));
  for (const AccessRule& rule : rules) {
    if (std::ranges::any_of(router.routes(),
                            [&rule](const Route& route) { return is_above(rule.root, route.root); }))
      continue;
    if (rule.root.empty()) continue;
    std::string roots;
    for (const Route& route : router.routes())
      roots += (roots.empty() ? "" : ", ") + route.root;
    throw ConfigError(fmt::format("access: there is no root path \"{}\"; the roots are: {}",
                                  http::escape_for_log(rule.root), roots.empty() ? "none" : roots));
  }
}

}  // namespace httpd::server
