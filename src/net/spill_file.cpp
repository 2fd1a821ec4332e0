// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/spill_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace httpd::net {

bool SpillFile::append(std::string_view bytes) noexcept {
  if (!file_) file_ = UniqueFd(::memfd_create("httpd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file_) return false;
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    size_ += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool SpillFile::seal() noexcept {
  // F_SEAL_WRITE would be no more where nobody has it mapped, but waits, and now and then in vain, for
  // whatever in the kernel still looks at one of its pages.
  return ::fcntl(file_.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) ==
         0;
}

UniqueFd SpillFile::release() noexcept {
  size_ = 0;
  return std::move(file_);
}

void SpillFile::reset() noexcept {
  file_.reset();
  size_ = 0;
}

}  // namespace httpd::net
