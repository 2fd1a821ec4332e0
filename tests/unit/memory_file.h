// Files in memory for the tests of what is sent from files. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

namespace httpd {

/// A descriptor of a file that holds `text`, whose position is at its end.
inline int memory_file(std::string_view text) {
  const int descriptor = ::memfd_create("test", MFD_CLOEXEC);
  EXPECT_GE(descriptor, 0);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count <= 0) {
      ADD_FAILURE() << "no room for a file in memory";
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return descriptor;
}

/// Bytes in which every shift by less than half a megabyte shows.
inline std::string numbered_lines(std::size_t size) {
  std::string text;
  text.reserve(size + 16);
  for (unsigned number = 0; text.size() < size; ++number)
    text += std::to_string(number) + '\n';
  text.resize(size);
  return text;
}

}  // namespace httpd
