// Runs a part of a test in a process of its own, which it may change as it likes.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <httpd/module.h>

namespace httpd::daemon {

inline constexpr int kHighDescriptor = 200;

/// What `function` returns in a process of its own: at most 1000 bytes. The text of a ConfigError in its
/// place.
inline std::string in_fork(const std::function<std::string()>& function) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  // Out of the way of descriptors that the function makes itself.
  EXPECT_EQ(::dup2(ends[1], kHighDescriptor), kHighDescriptor);
  ::close(ends[1]);
  ends[1] = kHighDescriptor;
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = function();
    } catch (const ConfigError& error) {
      text = error.what();
    }
    ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text(1000, '\0');
  std::size_t size = 0;
  for (ssize_t count = 0; (count = ::read(ends[0], text.data() + size, text.size() - size)) > 0;)
    size += static_cast<std::size_t>(count);
  ::close(ends[0]);
  text.resize(size);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return text;
}

}  // namespace httpd::daemon
