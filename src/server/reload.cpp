// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reload.h"

#include <exception>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <utility>

namespace httpd::server {
namespace {

constexpr std::size_t kMaxLine = 1000;
constexpr std::size_t kRoomForRest = 40;  // "and 18446744073709551615 more"

/// `text` with no more than `size` bytes, and no character of UTF-8 in pieces.
std::string cut(std::string text, std::size_t size) {
  constexpr std::string_view kMark = "...";
  if (text.size() <= size) return text;
  size -= kMark.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  text.resize(size);
  return text += kMark;
}

std::string describe(const net::TlsCredentials::Certificate& certificate) {
  std::string line = fmt::format(
      "{}: {}; for {}; until {:%Y-%m-%d %H:%M:%S} UTC", certificate.file, certificate.subject,
      certificate.names.empty() ? "no names" : certificate.names, fmt::gmtime(certificate.not_after));
  if (certificate.ocsp_until != 0)
    line +=
        fmt::format("; OCSP response until {:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(certificate.ocsp_until));
  return line;
}

/// One line for each certificate, or for as many as there is room for, and then how many more there are.
std::string describe(const net::TlsCredentials& credentials) {
  const auto& certificates = credentials.certificates();
  std::string text;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const std::string line = cut(describe(certificates[i]), kMaxLine);
    if (text.size() + line.size() + kRoomForRest > ReloadChannel::kMaxText)
      return text + fmt::format("\nand {} more", certificates.size() - i);
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

ReloadResult reload_tls(Server& server, const Settings& settings, Log& log) {
  if (!settings.tls.configured())
    return {false, "TLS is not in use: tls_cert_file and tls_key_file are not set"};
  try {
    auto credentials = load_tls(settings.tls, log);
    ReloadResult result{true, describe(*credentials)};
    server.use_tls(std::move(credentials));
    log.write(LogLevel::kNotice, fmt::format("TLS files read again; {} certificates in service",
                                             settings.tls.certificate_files.size()));
    return result;
  } catch (const std::exception& error) {
    log.write(LogLevel::kError,
              fmt::format("{}; the certificates from before stay in service", error.what()));
    return {false, cut(error.what(), ReloadChannel::kMaxText)};
  }
}

ReloadResult reload_credentials(Server& server, const Settings& settings, Log& log) {
  if (files_of(settings.access.auth).empty())
    return {false, "there are no files with credentials: auth_file and auth_token_file are not set"};
  try {
    auto credentials = load_credentials(settings);
    ReloadResult result{true, credentials->text()};
    server.use_credentials(std::move(credentials));
    log.write(LogLevel::kNotice, fmt::format("credentials read again: {}", result.text));
    return result;
  } catch (const std::exception& error) {
    log.write(LogLevel::kError, fmt::format("{}; the credentials from before stay good", error.what()));
    return {false, cut(error.what(), ReloadChannel::kMaxText)};
  }
}

}  // namespace

std::shared_ptr<const Credentials> load_credentials(const Settings& settings) {
  if (!settings.access.auth.configured()) return nullptr;
  return std::make_shared<const Credentials>(settings.access.auth);
}

ReloadResult reload(Reload what, Server& server, const Settings& settings, Log& log) {
  if (what == Reload::kTls) return reload_tls(server, settings, log);
  if (what == Reload::kCredentials) return reload_credentials(server, settings, log);
  ReloadResult result{true, {}};
  if (settings.tls.configured()) result = reload_tls(server, settings, log);
  if (files_of(settings.access.auth).empty()) return result;
  const ReloadResult more = reload_credentials(server, settings, log);
  return {result.good && more.good, result.text + (result.text.empty() ? "" : "\n") + more.text};
}

}  // namespace httpd::server
