// The tls_* parameters, and the credentials that they lead to. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <httpd/log.h>

#include "net/tls_credentials.h"
#include "net/tls_options.h"

namespace httpd::server {

/// As the lines of the configuration give them.
struct TlsSettings {
  struct CertificateFile {
    std::string path;
    std::string ocsp;  ///< of the tls_ocsp_file line after it; "" for none
    [[nodiscard]] bool operator==(const CertificateFile& other) const noexcept = default;
  };
  std::vector<CertificateFile> certificate_files;
  std::vector<std::string> key_files;  ///< the first belongs to the first certificate, and so on
  net::TlsOptions options;             ///< everything else; its `certificates` stay empty

  /// True when the server is to speak TLS.
  [[nodiscard]] bool configured() const noexcept { return !certificate_files.empty() || !key_files.empty(); }
  /// The options, with certificates and keys in pairs. Throws ConfigError when they make no pairs.
  [[nodiscard]] net::TlsOptions complete() const;
};

/// All files that they name.
[[nodiscard]] std::vector<std::string> files_of(const TlsSettings& settings);

/// Reads the files that `settings` name; what is odd about them goes to `log`. Null when TLS is not
/// configured. Throws ConfigError, also when clients were to be verified, but TLS is not configured.
[[nodiscard]] std::shared_ptr<const net::TlsCredentials> load_tls(const TlsSettings& settings, Log& log);

/// Says in the log what is to be known about the priority string of `credentials`. Once, at start.
void advise(const net::TlsCredentials& credentials, Log& log);

}  // namespace httpd::server
