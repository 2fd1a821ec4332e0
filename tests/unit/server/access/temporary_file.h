// A file that is gone at the end of a test. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace httpd::server {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text, mode_t mode = 0600) {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
    write(text, mode);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }

  void write(std::string_view text, mode_t mode = 0600) const {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::fchmod(fd, mode);
    ::close(fd);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_ = ::testing::TempDir() + "httpd-XXXXXX";
};

/// Of the passwords "ecila" and "bob", by methods that are quick for once.
inline constexpr const char kAlice[] = "$2y$04$gR.9c8feQ8RPNhqexbGXSuVULAz7I7xvrj6CIMmcSkulhXtmhfcym";
inline constexpr const char kBob[] =
    "$6$rounds=1000$abcdefgh$wH6DZzGgd/qfMulriJt2LAa5FNTgXamGtYyMtIgLPZ103rL1h/"
    "yoQ6gMbMoCJWbBSjv1yoeD9UIjdV.vTuQ34.";

}  // namespace httpd::server
