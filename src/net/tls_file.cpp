// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace httpd::net {

TlsFile::TlsFile(std::string_view parameter, const std::string& path, bool is_private) {
  const auto fail = [&](std::string_view why) {
    throw TlsError(fmt::format("{} \"{}\" {}", parameter, path, why));
  };
  // Not to wait for a writer where the name is that of a FIFO.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  if (is_private && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    fail(
        fmt::format("is open to every user (mode {:04o}): run: chmod o-rwx '{}' (or set "
                    "tls_key_permissions_check to 0, if that is meant)",
                    status.st_mode & 07777U, path));
  if (status.st_size <= 0) fail("is empty");
  if (static_cast<std::size_t>(status.st_size) > kMaxSize)
    fail(fmt::format("has {} bytes; more than {} are not read", status.st_size, kMaxSize));
  bytes_.resize(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < bytes_.size()) {
    const ssize_t count = ::read(fd.get(), bytes_.data() + done, bytes_.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
    if (count == 0) fail("became shorter while it was read");
    done += static_cast<std::size_t>(count);
  }
}

TlsFile::~TlsFile() {
  ::gnutls_memset(bytes_.data(), 0, bytes_.size());
}

}  // namespace httpd::net
