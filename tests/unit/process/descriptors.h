// What tests do with descriptors: count them, and run out of them.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "net/unique_fd.h"

namespace httpd::process {

/// Equal before and after a test that leaks none.
inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator listing("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(listing), end(listing)));
}

/// For a process that ends soon: `spare` more descriptors can be opened, and then no more.
inline void leave_descriptors(std::size_t spare) {
  std::size_t highest = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    highest = std::max(highest, static_cast<std::size_t>(std::stoul(entry.path().filename())));
  const rlimit limit{highest + 1 + spare, highest + 1 + spare};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<net::UniqueFd> taken;
  for (;;) {
    net::UniqueFd fd(::dup(STDERR_FILENO));
    if (!fd) break;
    taken.push_back(std::move(fd));
  }
  ASSERT_GE(taken.size(), spare);
  for (std::size_t index = spare; index < taken.size(); ++index)
    static_cast<void>(taken[index].release());
}

/// What handler process and HTTPD process are connected by.
inline std::array<net::UniqueFd, 2> socket_pair() {
  std::array<int, 2> pair{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
  return {net::UniqueFd(pair[0]), net::UniqueFd(pair[1])};
}

/// A memory file that anybody may still change.
inline net::UniqueFd open_file(std::string_view text) {
  net::UniqueFd file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

}  // namespace httpd::process
