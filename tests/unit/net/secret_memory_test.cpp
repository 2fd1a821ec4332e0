// Tests of memory that no core file holds. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/secret_memory.h"

#include <cstdint>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace httpd::net {
namespace {

/// The VmFlags of the mapping that holds `address`.
std::string flags_of(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream range(line);
    if (range >> std::hex >> begin >> dash >> end && dash == '-')
      here = begin <= reinterpret_cast<std::uintptr_t>(address) &&
             reinterpret_cast<std::uintptr_t>(address) < end;
    if (here && line.starts_with("VmFlags:")) return line;
  }
  return {};
}

TEST(SecretMemoryTest, IsLeftOutOfCoreFiles) {
  const SecretBytes bytes(100, 'x');
  EXPECT_NE(flags_of(bytes.data()).find(" dd"), std::string::npos) << flags_of(bytes.data());
  EXPECT_EQ(flags_of(&bytes).find(" dd"), std::string::npos);
}

TEST(SecretMemoryTest, GrowsLikeAnyOther) {
  SecretBytes bytes;
  for (int i = 0; i < 10'000; ++i)
    bytes.push_back(static_cast<char>(i));
  EXPECT_EQ(bytes.size(), 10'000U);
  EXPECT_EQ(bytes[257], static_cast<char>(257));
}

}  // namespace
}  // namespace httpd::net
