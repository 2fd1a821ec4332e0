// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/tls_reload.h"

#include <exception>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace httpd::server {
namespace {

/// One line for each certificate.
std::string describe(const net::TlsCredentials& credentials) {
  std::string text;
  for (const net::TlsCredentials::Certificate& certificate : credentials.certificates()) {
    if (!text.empty()) text += '\n';
    text += fmt::format("{}: {}; for {}; until {:%Y-%m-%d %H:%M:%S} UTC", certificate.file,
                        certificate.subject, certificate.names.empty() ? "no names" : certificate.names,
                        fmt::gmtime(certificate.not_after));
    if (certificate.ocsp_until != 0)
      text +=
          fmt::format("; OCSP response until {:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(certificate.ocsp_until));
  }
  return text;
}

}  // namespace

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
    return {false, error.what()};
  }
}

}  // namespace httpd::server
