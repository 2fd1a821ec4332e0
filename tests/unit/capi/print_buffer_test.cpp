// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/print_buffer.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "fakes.h"

namespace httpd::capi {
namespace {

/// What this process has, in bytes.
struct Memory {
  std::size_t reserved = 0;
  std::size_t resident = 0;
};
Memory memory() {
  std::ifstream file("/proc/self/statm");
  Memory pages;
  file >> pages.reserved >> pages.resident;
  return {pages.reserved * 4096, pages.resident * 4096};
}
std::size_t resident_bytes() {
  return memory().resident;
}

TEST(PrintBuffer, AutomaticSizeReservesWithoutUsing) {
  FakeLog log;
  const std::size_t before = resident_bytes();
  PrintBuffer buffer(0, 4 << 20, log);
  EXPECT_EQ(buffer.size(), PrintBuffer::kReserve);
  ASSERT_NE(buffer.data(), nullptr);
  EXPECT_LT(resident_bytes(), before + (1 << 20));
  buffer.data()[0] = 'a';
  buffer.data()[buffer.size() - 1] = 'z';
  EXPECT_TRUE(log.text.empty());
}

TEST(PrintBuffer, ProcessesThatPrintNothingHaveNothingReserved) {
  FakeLog log;
  const std::size_t before = memory().reserved;
  PrintBuffer buffer(0, 4 << 20, log);
  EXPECT_LT(memory().reserved, before + (64 << 20));
  EXPECT_NE(buffer.data(), nullptr);
  EXPECT_GT(memory().reserved, before + PrintBuffer::kReserve / 2);
}

TEST(PrintBuffer, AnExactSizeEndsAtAGuardPage) {
  FakeLog log;
  for (const std::size_t size : {1U, 100U, 4096U, 5000U}) {
    PrintBuffer buffer(size, 4096, log);
    EXPECT_EQ(buffer.size(), size);
    char* const data = buffer.data();
    std::memset(data, 'x', size);
    EXPECT_DEATH(*static_cast<volatile char*>(data + size) = 'x', "") << size;
  }
}

TEST(PrintBuffer, KnowsItsOwnMemory) {
  FakeLog log;
  PrintBuffer buffer(1000, 4096, log);
  char* const data = buffer.data();
  const char other[4] = "abc";
  EXPECT_TRUE(buffer.contains(data, 1000));
  EXPECT_TRUE(buffer.contains(data + 500, 500));
  EXPECT_FALSE(buffer.contains(data + 500, 501));
  EXPECT_FALSE(buffer.contains(data, SIZE_MAX));
  EXPECT_FALSE(buffer.contains(other, 3));
  EXPECT_TRUE(buffer.starts_in(data + 999));
  EXPECT_FALSE(buffer.starts_in(data - 1));
}

TEST(PrintBuffer, WhatIsLentStaysWhileTheNextReplyIsPrinted) {
  FakeLog log;
  PrintBuffer buffer(1 << 20, 4096, log);
  char* const first = buffer.data();
  std::memset(first, '1', 1 << 20);
  {
    const LentBytes lent = buffer.lend(first, 1 << 20);
    char* const second = buffer.data();
    ASSERT_NE(second, first);
    std::memset(second, '2', 1 << 20);
    EXPECT_EQ(lent.view(), std::string(1 << 20, '1'));
  }
  const LentBytes again = buffer.lend(buffer.data(), 1);
  EXPECT_EQ(buffer.data(), first) << "the range came back and is used again";
}

TEST(PrintBuffer, GivesMemoryBackOnceSent) {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log);
  const std::size_t before = resident_bytes();
  constexpr std::size_t kSize = 64 << 20;
  for (int round = 0; round < 3; ++round) {
    std::vector<LentBytes> in_flight;
    for (int i = 0; i < 3; ++i) {
      char* const data = buffer.data();
      std::memset(data, 'x', kSize);
      in_flight.push_back(buffer.lend(data, kSize));
    }
    EXPECT_GT(resident_bytes(), before + 3 * kSize - (1 << 20));
    in_flight.clear();
    EXPECT_LT(resident_bytes(), before + (8 << 20));
  }
}

TEST(PrintBuffer, GivesBackWhatWasPrintedForNothing) {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log);
  const std::size_t before = resident_bytes();
  std::memset(buffer.data(), 'x', 64 << 20);
  buffer.settle(true);
  EXPECT_LT(resident_bytes(), before + (8 << 20));
  std::memset(buffer.data(), 'x', 64 << 20);
  for (int i = 0; i < 256; ++i)
    buffer.settle(false);
  EXPECT_LT(resident_bytes(), before + (8 << 20));
}

#if !defined(__SANITIZE_ADDRESS__)
/// In a process of its own: an address space limit cannot be raised again.
[[noreturn]] void fall_back_and_exit() {
  const rlimit limit{512U << 20U, 512U << 20U};
  ::setrlimit(RLIMIT_AS, &limit);
  FakeLog log;
  PrintBuffer buffer(0, 1 << 20, log);
  std::_Exit(buffer.size() == 1 << 20 && buffer.data() != nullptr && log.contains("buf_size") ? 0 : 1);
}
#endif

TEST(PrintBuffer, WithoutRoomForAReserveItFallsBackAndSaysSo) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the address sanitizer reserves more address space than the limit allows";
#else
  EXPECT_EXIT(fall_back_and_exit(), ::testing::ExitedWithCode(0), "");
#endif
}

}  // namespace
}  // namespace httpd::capi
