// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/file_sink.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <httpd/module.h>

#include "http/escape.h"

namespace httpd::process {
namespace {

constexpr mode_t kMode = 0640;
// Not to be kept waiting by a FIFO, neither here nor when writing.
constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

bool is_fifo(const char* path) noexcept {
  struct stat status {};
  return ::stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool is_pipe(const net::UniqueFd& file) noexcept {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && S_ISFIFO(status.st_mode);
}

[[noreturn]] void fail(const std::string& path, int error) {
  throw ConfigError("cannot write the access log to " + http::escape_for_log(path) + ": " +
                    std::strerror(error));
}

std::string absolute(const std::string& path) {
  std::error_code error;
  std::string result = std::filesystem::absolute(path, error).string();
  return error ? path : result;
}

}  // namespace

FileSink::FileSink(const std::string& path, LogOwner owner) : path_(absolute(path)) {
  file_ = net::UniqueFd(::open(path_.c_str(), kFlags | O_CREAT | O_EXCL, kMode));
  if (file_) {
    // Where that is not allowed the file is good until it is to be opened again.
    static_cast<void>(::fchown(file_.get(), owner.user, owner.group) == 0);
    return;
  }
  if (errno == EEXIST || errno == ENXIO)
    file_ = net::UniqueFd(::open(path_.c_str(), kFlags | O_CREAT, kMode));
  const int error = errno;
  is_pipe_ = is_pipe(file_);
  if (file_ || (error == ENXIO && is_fifo(path_.c_str()) && ::access(path_.c_str(), W_OK) == 0)) return;
  fail(path_, error);
}

void FileSink::check(const std::string& path) {
  const std::string full = absolute(path);
  struct stat status {};
  if (::stat(full.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail(full, EISDIR);
    if (S_ISSOCK(status.st_mode)) fail(full, ENXIO);
    if (::access(full.c_str(), W_OK) != 0) fail(full, errno);
    return;
  }
  if (errno != ENOENT) fail(full, errno);
  const std::string folder = std::filesystem::path(full).parent_path().string();
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail(full, errno);
}

int FileSink::reopen() noexcept {
  net::UniqueFd fresh(::open(path_.c_str(), kFlags | O_CREAT, kMode));
  if (!fresh) return errno;
  file_ = std::move(fresh);
  is_pipe_ = is_pipe(file_);
  in_line_ = cut_line_ = false;
  return 0;
}

/// What is written at once. While the daemon is upgraded, two processes write: the kernel keeps to itself
/// what is appended to a file, but of what goes to a pipe no more than PIPE_BUF bytes.
std::string_view FileSink::piece_of(std::string_view lines) const noexcept {
  if (!is_pipe_) return lines;
  std::size_t end = lines.substr(0, PIPE_BUF).rfind('\n');
  if (end == std::string_view::npos) end = std::min(lines.find('\n'), lines.size() - 1);
  return lines.substr(0, end + 1);
}

LogSink::Result FileSink::write(std::string_view lines) noexcept {
  if (!file_) {
    const int error = reopen();
    if (error != 0) return {Result::State::kAbsent, 0, error};
  }
  if (in_line_) {
    if (::write(file_.get(), "\n", 1) == 1) {
      in_line_ = false;
    } else if (errno == EAGAIN) {
      return {Result::State::kBlocked};
    } else if (errno != EPIPE) {
      return {Result::State::kLost, lines.size(), errno};
    }
  }
  const std::string_view piece = piece_of(lines);
  ssize_t count = 0;
  do {
    count = ::write(file_.get(), piece.data(), piece.size());
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    const auto bytes = static_cast<std::size_t>(count);
    cut_line_ = lines[bytes - 1] != '\n';
    return {Result::State::kDone, bytes};
  }
  const int error = count == 0 ? EIO : errno;
  if (error == EAGAIN) return {Result::State::kBlocked};
  if (error == EPIPE) {
    // Its reader has gone; the next one gets the line at hand from its beginning.
    file_.reset();
    in_line_ = cut_line_ = false;
    return {Result::State::kAbsent, 0, ENXIO};
  }
  in_line_ = cut_line_;
  return {Result::State::kLost, lines.size(), error};
}

std::string FileSink::name() const {
  return "file " + http::escape_for_log(path_);
}

}  // namespace httpd::process
