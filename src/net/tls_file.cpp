// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_file.h"

namespace httpd::net {

SecretFile TlsFile::read(std::string_view parameter, const std::string& path, bool is_private) {
  try {
    return {parameter, path, is_private ? SecretFile::Readers::kGroup : SecretFile::Readers::kAnybody,
            " (or set tls_key_permissions_check to 0, if that is meant)"};
  } catch (const FileError& error) {
    throw TlsError(error.what());
  }
}

}  // namespace httpd::net
