// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/tls_settings.h"

#include <algorithm>
#include <fmt/format.h>

#include <httpd/module.h>

#include "net/tls_error.h"

namespace httpd::server {

net::TlsOptions TlsSettings::complete() const {
  const std::size_t pairs = std::min(certificate_files.size(), key_files.size());
  if (certificate_files.size() > pairs)
    throw ConfigError(fmt::format("tls_cert_file \"{}\" has no key: add a line for tls_key_file",
                                  certificate_files[pairs].path));
  if (key_files.size() > pairs)
    throw ConfigError(fmt::format("tls_key_file \"{}\" has no certificate: add a line for tls_cert_file",
                                  key_files[pairs]));
  net::TlsOptions result = options;
  for (std::size_t i = 0; i < pairs; ++i)
    result.certificates.push_back({certificate_files[i].path, key_files[i], certificate_files[i].ocsp});
  return result;
}

std::vector<std::string> files_of(const TlsSettings& settings) {
  std::vector<std::string> files = settings.key_files;
  for (const TlsSettings::CertificateFile& file : settings.certificate_files) {
    files.push_back(file.path);
    if (!file.ocsp.empty()) files.push_back(file.ocsp);
  }
  for (const std::string& file : {settings.options.ca_file, settings.options.ticket_key_file})
    if (!file.empty()) files.push_back(file);
  return files;
}

namespace {

/// Who asks for safety must not get plain HTTP.
void check_without_tls(const net::TlsOptions& options, Log& log) {
  constexpr std::string_view kHint =
      "has no effect without tls_cert_file and tls_key_file: connections are in clear";
  if (options.verify_client != net::TlsVerifyClient::kNone)
    throw ConfigError(fmt::format("tls_verify_client {}", kHint));
  if (!options.ca_file.empty()) throw ConfigError(fmt::format("tls_ca_file {}", kHint));
  if (options.ciphers != net::TlsOptions::kDefaultCiphers)
    log.write(LogLevel::kWarning, fmt::format("tls_ciphers {}", kHint));
  if (!options.ticket_key_file.empty())
    log.write(LogLevel::kWarning, fmt::format("tls_ticket_key_file {}", kHint));
}

}  // namespace

std::shared_ptr<const net::TlsCredentials> load_tls(const TlsSettings& settings, Log& log) {
  if (!settings.configured()) {
    check_without_tls(settings.options, log);
    return nullptr;
  }
  std::vector<std::string> warnings;
  try {
    auto credentials = net::TlsCredentials::load(settings.complete(), warnings);
    for (const std::string& warning : warnings)
      log.write(LogLevel::kWarning, warning);
    return credentials;
  } catch (const net::TlsError& error) {
    throw ConfigError(error.what());
  }
}

void advise(const net::TlsCredentials& credentials, Log& log) {
  for (const std::string& line : credentials.advice())
    log.write(LogLevel::kWarning, line);
}

}  // namespace httpd::server
