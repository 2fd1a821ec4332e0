// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/pid_file.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <httpd/module.h>

namespace httpd::daemon {
namespace {

/// The process id in the file; 0 when there is none.
pid_t read_pid(const std::string& path) {
  const net::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  char text[32];
  const ssize_t size = fd ? ::read(fd.get(), text, sizeof text) : -1;
  pid_t pid = 0;
  if (size > 0) std::from_chars(text, text + size, pid);
  return pid;
}

bool is_running(pid_t pid) {
  return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
}

}  // namespace

PidFile::PidFile(std::string path) : path_(std::move(path)) {
  if (const pid_t other = read_pid(path_); other != ::getpid() && is_running(other))
    throw ConfigError("the pid file " + path_ + " names the running process " + std::to_string(other) +
                      ": is another daemon running? If not, remove the file");
  const std::string text = std::to_string(::getpid()) + '\n';
  const std::string fresh = path_ + ".new";
  ::unlink(fresh.c_str());
  fd_ = net::UniqueFd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  const bool written =
      fd_ && ::write(fd_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || std::rename(fresh.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    if (fd_) ::unlink(fresh.c_str());
    throw ConfigError("cannot write the pid file " + path_ + ": " + std::strerror(error));
  }
}

void PidFile::hand_over(pid_t process) noexcept {
  char text[32];
  char* const end = std::to_chars(text, text + sizeof text - 1, process).ptr;
  *end = '\n';
  const auto size = end + 1 - text;
  if (::pwrite(fd_.get(), text, static_cast<std::size_t>(size), 0) != size) return;
  while (::ftruncate(fd_.get(), size) != 0 && errno == EINTR) {
  }
}

PidFile::~PidFile() {
  if (read_pid(path_) != ::getpid() || ::unlink(path_.c_str()) == 0) return;
  // Through the descriptor, which was opened when this was still allowed.
  while (::ftruncate(fd_.get(), 0) != 0 && errno == EINTR) {
  }
}

}  // namespace httpd::daemon
