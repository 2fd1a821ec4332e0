// One row for each parameter. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/setting_changes.h"

#include <array>
#include <chrono>
#include <concepts>
#include <fmt/format.h>

#include "http/escape.h"

namespace httpd::server {
namespace {

constexpr std::size_t kLongestValue = 80;  // that is shown

struct Row {
  std::string_view name;
  Effect effect;
  bool is_tls;  // of TlsSettings
  bool (*same)(const Settings& one, const Settings& other);
  void (*keep)(const Settings& now, Settings& next);
  std::string (*text)(const Settings& settings);  // null: values are not shown
};

/// The member at the end of a path of pointers to members.
template <auto... Path>
constexpr auto& member(auto& settings) noexcept {
  return (settings.*....*Path);
}

template <typename Value>
std::string text_of(const Value& value) {
  if constexpr (std::same_as<Value, std::string>) {
    return fmt::format("\"{}\"", http::escape_for_log(value));
  } else if constexpr (std::same_as<Value, std::chrono::seconds>) {
    return std::to_string(value.count());
  } else if constexpr (std::integral<Value>) {
    return std::to_string(value);
  } else {
    return {};
  }
}

template <auto... Path>
bool same_member(const Settings& one, const Settings& other) {
  return member<Path...>(one) == member<Path...>(other);
}

template <auto... Path>
void keep_member(const Settings& now, Settings& next) {
  member<Path...>(next) = member<Path...>(now);
}

template <auto... Path>
std::string member_text(const Settings& settings) {
  return text_of(member<Path...>(settings));
}

template <auto... Path>
constexpr Row live(std::string_view name) {
  return {name, Effect::kLive, false, same_member<Path...>, keep_member<Path...>, member_text<Path...>};
}

template <auto... Path>
constexpr Row restart(std::string_view name) {
  Row row = live<Path...>(name);
  row.effect = Effect::kRestart;
  return row;
}

template <auto... Path>
constexpr Row limit(std::string_view name) {
  return live<&Settings::limits, Path...>(name);
}

template <auto... Path>
constexpr Row access(std::string_view name) {
  return live<&Settings::access, Path...>(name);
}

template <auto... Path>
constexpr Row auth(std::string_view name) {
  return access<&AccessSettings::auth, Path...>(name);
}

template <auto... Path>
constexpr Row tls(std::string_view name) {
  Row row = live<&Settings::tls, Path...>(name);
  row.is_tls = true;
  return row;
}

template <auto... Path>
constexpr Row tls_option(std::string_view name) {
  return tls<&TlsSettings::options, Path...>(name);
}

constexpr Row unseen(Row row) {
  row.text = nullptr;
  return row;
}

/// The certificates, or the OCSP responses, which stand in one list.
template <auto Part>
bool same_files(const Settings& one, const Settings& other) {
  const auto files = [](const Settings& settings) {
    std::vector<std::string> names;
    for (const TlsSettings::CertificateFile& file : settings.tls.certificate_files)
      if (!(file.*Part).empty()) names.push_back(file.*Part);
    return names;
  };
  return files(one) == files(other);
}

template <auto Part>
constexpr Row certificate_files(std::string_view name) {
  Row row = unseen(tls<&TlsSettings::certificate_files>(name));
  row.same = same_files<Part>;
  return row;
}

/// Beside `listen` lines, `ip` and `port` make a listener where one of them is given.
bool has_address(const Settings& settings) {
  return settings.listen.empty() || settings.address_given;
}

constexpr Row port() {
  Row row = restart<&Settings::port>("port");
  row.same = [](const Settings& one, const Settings& other) {
    return one.port == other.port && (one.listen != other.listen || has_address(one) == has_address(other));
  };
  row.keep = [](const Settings& now, Settings& next) {
    next.port = now.port;
    next.address_given = now.address_given;
  };
  return row;
}

constexpr Row log_target(std::string_view name) {
  using Log = AccessLogSettings;
  Row row = unseen(restart<&Settings::access_log, &Log::path>(name));
  row.same = [](const Settings& one, const Settings& other) {
    const Log& a = one.access_log;
    const Log& b = other.access_log;
    return a.target == b.target && a.path == b.path && a.facility == b.facility;
  };
  row.keep = [](const Settings& now, Settings& next) {
    next.access_log.target = now.access_log.target;
    next.access_log.path = now.access_log.path;
    next.access_log.facility = now.access_log.facility;
  };
  return row;
}

constexpr Row compressed_roots(std::string_view name) {
  using Compressed = CompressionSettings;
  Row row = unseen(live<&Settings::compression, &Compressed::roots>(name));
  row.same = [](const Settings& one, const Settings& other) {
    return one.compression.roots == other.compression.roots &&
           one.compression.every_root == other.compression.every_root;
  };
  return row;
}

using S = Settings;
using L = http::Limits;
using A = AccessSettings;
using U = AuthSettings;
using F = ForwardingSettings;
using T = TlsSettings;
using O = net::TlsOptions;
using C = CompressionSettings;

constexpr std::array kRows{
    restart<&S::ip>("ip"),
    port(),
    restart<&S::listen>("listen"),
    restart<&S::buf_size>("buf_size"),
    restart<&S::workers>("workers"),
    restart<&S::health_root>("health_root"),
    log_target("access_log"),
    restart<&S::access_log, &AccessLogSettings::format>("access_log_format"),
    restart<&S::access_log, &AccessLogSettings::request_id>("request_id"),
    live<&S::conn_timeout>("conn_timeout"),
    live<&S::header_timeout>("header_timeout"),
    live<&S::body_timeout>("body_timeout"),
    live<&S::send_timeout>("send_timeout"),
    live<&S::min_body_rate>("min_body_rate"),
    live<&S::min_send_rate>("min_send_rate"),
    live<&S::handler_timeout>("handler_timeout"),
    live<&S::max_connections>("max_connections"),
    live<&S::max_client_connections>("max_client_connections"),
    live<&S::admin_addresses>("admin_addresses"),
    live<&S::max_connection_requests>("max_connection_requests"),
    live<&S::max_pipelined_requests>("max_pipelined_requests"),
    live<&S::max_request_rate>("max_request_rate"),
    live<&S::max_request_burst>("max_request_burst"),
    live<&S::max_queue>("max_queue"),
    live<&S::max_root_workers>("max_root_workers"),
    live<&S::stuck_timeout>("stuck_timeout"),
    compressed_roots("compress"),
    live<&S::compression, &C::min_size>("compress_min_size"),
    live<&S::compression, &C::level>("compress_level"),
    live<&S::compression, &C::max_streams>("max_compressed_streams"),
    live<&S::drain_delay>("drain_delay"),
    live<&S::drain_timeout>("drain_timeout"),
    live<&S::upgrade_timeout>("upgrade_timeout"),
    limit<&L::post_buf_size>("post_buf_size"),
    limit<&L::receive_buf_size>("receive_buf_size"),
    limit<&L::max_form_size>("max_form_size"),
    limit<&L::max_uri_size>("max_uri_size"),
    limit<&L::max_header_size>("max_header_size"),
    limit<&L::max_header_fields>("max_header_fields"),
    limit<&L::max_trailer_size>("max_trailer_size"),
    limit<&L::max_trailer_fields>("max_trailer_fields"),
    limit<&L::max_form_fields>("max_form_fields"),
    limit<&L::max_chunk_extension_size>("max_chunk_extension_size"),
    auth<&U::realm>("auth_realm"),
    unseen(auth<&U::username>("auth_username")),
    unseen(auth<&U::password>("auth_password")),
    auth<&U::file>("auth_file"),
    auth<&U::token_file>("auth_token_file"),
    access<&A::max_auth_failures>("max_auth_failures"),
    access<&A::auth_failure_delay>("auth_failure_delay"),
    unseen(access<&A::rules>("access")),
    unseen(access<&A::allowed_hosts>("allowed_hosts")),
    unseen(access<&A::forwarding, &F::trusted_proxies>("trusted_proxies")),
    unseen(access<&A::forwarding, &F::field>("forwarded_header")),
    certificate_files<&T::CertificateFile::path>("tls_cert_file"),
    certificate_files<&T::CertificateFile::ocsp>("tls_ocsp_file"),
    unseen(tls<&T::key_files>("tls_key_file")),
    tls_option<&O::ciphers>("tls_ciphers"),
    tls_option<&O::ca_file>("tls_ca_file"),
    unseen(tls_option<&O::verify_client>("tls_verify_client")),
    tls_option<&O::key_permissions_check>("tls_key_permissions_check"),
    tls_option<&O::ticket_lifetime>("tls_ticket_lifetime"),
    tls_option<&O::ticket_key_file>("tls_ticket_key_file"),
    live<&S::tls_handshake_timeout>("tls_handshake_timeout"),
};

std::string describe(const Row& row, const Settings& now, const Settings& next) {
  std::string name(row.name);
  if (row.text == nullptr) return name;
  const std::string before = row.text(now);
  const std::string after = row.text(next);
  if (before.empty() || before.size() > kLongestValue || after.size() > kLongestValue) return name;
  return fmt::format("{} {} -> {}", name, before, after);
}

}  // namespace

std::vector<std::pair<std::string_view, Effect>> parameter_effects() {
  std::vector<std::pair<std::string_view, Effect>> effects;
  for (const Row& row : kRows)
    effects.emplace_back(row.name, row.effect);
  return effects;
}

SettingChanges settle(const Settings& now, Settings& next) {
  SettingChanges changes;
  const bool tls_turned = now.tls.configured() != next.tls.configured();
  for (const Row& row : kRows) {
    if (row.same(now, next)) continue;
    if (row.effect == Effect::kLive && !(row.is_tls && tls_turned)) {
      changes.live.push_back(describe(row, now, next));
    } else {
      changes.restart.emplace_back(row.name);
    }
  }
  for (const Row& row : kRows)
    if (row.effect == Effect::kRestart) row.keep(now, next);
  if (tls_turned) next.tls = now.tls;
  return changes;
}

}  // namespace httpd::server
