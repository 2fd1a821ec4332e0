// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/secret_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/unique_fd.h"

namespace httpd::net {

SecretFile::SecretFile(std::string_view parameter, const std::string& path, Readers readers,
                       std::string_view way_out) {
  const auto fail = [&](std::string_view why) {
    throw FileError(fmt::format("{} \"{}\" {}", parameter, path, why));
  };
  // Not to wait for a writer where the name is that of a FIFO.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  if (readers == Readers::kGroup && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    fail(fmt::format("is open to every user (mode {:04o}): run: chmod o-rwx '{}'{}", status.st_mode & 07777U,
                     path, way_out));
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

}  // namespace httpd::net
