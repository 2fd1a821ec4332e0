// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/print_buffer.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <variant>
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

const LentBytes& as_bytes(const std::variant<LentBytes, FileBody>& lent) {
  return std::get<LentBytes>(lent);
}
const FileBody& as_file(const std::variant<LentBytes, FileBody>& lent) {
  return std::get<FileBody>(lent);
}
std::string text_of(const FileBody& file) {
  std::string text(file.size(), '\0');
  EXPECT_EQ(::pread(file.descriptor(), text.data(), text.size(), static_cast<off_t>(file.offset())),
            static_cast<ssize_t>(text.size()));
  return text;
}

TEST(PrintBuffer, WhatIsLentStaysWhileTheNextReplyIsPrinted) {
  FakeLog log;
  PrintBuffer buffer(1 << 20, 1 << 20, log);
  char* const first = buffer.data();
  std::memset(first, '1', 1 << 20);
  {
    const auto lent = buffer.lend(first, 1 << 20);
    char* const second = buffer.data();
    ASSERT_NE(second, first);
    std::memset(second, '2', 1 << 20);
    EXPECT_EQ(as_bytes(lent).view(), std::string(1 << 20, '1'));
  }
  const auto again = buffer.lend(buffer.data(), 1);
  EXPECT_EQ(buffer.data(), first) << "the range came back and is used again";
}

TEST(PrintBuffer, LendsAFileOnlyBeyondWhatIsKeptReady) {
  FakeLog log;
  for (const std::size_t exact : {std::size_t{0}, std::size_t{100'001}}) {
    PrintBuffer buffer(exact, 64 * 1024, log);
    std::memset(buffer.data(), 'x', 64 * 1024);
    EXPECT_TRUE(std::holds_alternative<LentBytes>(buffer.lend(buffer.data(), 64 * 1024)));
    std::memset(buffer.data(), 'y', 64 * 1024 + 1);
    EXPECT_EQ(text_of(as_file(buffer.lend(buffer.data(), 64 * 1024 + 1))), std::string(64 * 1024 + 1, 'y'));
  }
}

TEST(PrintBuffer, AFileHasWhatWasLentAndNothingElse) {
  FakeLog log;
  PrintBuffer buffer(100'001, 1000, log);
  char* const data = buffer.data();
  for (std::size_t at = 0; at < 100'001; ++at)
    data[at] = static_cast<char>('a' + at % 26);
  const std::string printed(data, 100'001);
  const auto lent = buffer.lend(data + 777, 99'000);
  EXPECT_EQ(text_of(as_file(lent)), printed.substr(777, 99'000));
  char* const next = buffer.data();
  ASSERT_NE(next, nullptr);
  std::memset(next, '!', 100'001);
  EXPECT_EQ(text_of(as_file(lent)), printed.substr(777, 99'000)) << "the next reply is in memory of its own";
}

TEST(PrintBuffer, AFileThatWasLentCannotBeChanged) {
  FakeLog log;
  PrintBuffer buffer(0, 1000, log);
  std::memset(buffer.data(), 'x', 5000);
  const auto lent = buffer.lend(buffer.data(), 5000);
  const int file = as_file(lent).descriptor();
  EXPECT_LT(::pwrite(file, "y", 1, 0), 0);
  EXPECT_NE(::ftruncate(file, 1), 0);
  EXPECT_EQ(::fcntl(file, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE);
  EXPECT_NE(::fcntl(file, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(PrintBuffer, AFileMayOutliveTheBuffer) {
  FakeLog log;
  std::optional<std::variant<LentBytes, FileBody>> lent;
  {
    PrintBuffer buffer(0, 1000, log);
    std::memset(buffer.data(), 'x', 5000);
    lent.emplace(buffer.lend(buffer.data(), 5000));
  }
  EXPECT_EQ(text_of(as_file(*lent)), std::string(5000, 'x'));
}

TEST(PrintBuffer, ALongReplyLeavesThisProcessAtOnce) {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log);
  const std::size_t before = resident_bytes();
  const std::size_t reserved = memory().reserved;
  constexpr std::size_t kSize = 64 << 20;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::variant<LentBytes, FileBody>> in_flight;
    for (int i = 0; i < 3; ++i) {
      char* const data = buffer.data();
      std::memset(data, 'x', kSize);
      in_flight.push_back(buffer.lend(data, kSize));
      EXPECT_LT(resident_bytes(), before + (8 << 20));
      EXPECT_LT(memory().reserved, reserved + PrintBuffer::kReserve / 2) << "and its address space";
    }
  }
}

/// Who has what was lent, as the engine's queue does.
class Debtor final : public LentBytes::Borrower {
 public:
  explicit Debtor(std::variant<LentBytes, FileBody> lent) : bytes_(std::get<LentBytes>(std::move(lent))) {
    bytes_->borrowed_by(this);
  }
  void give_back() noexcept override {
    ++asked;
    if (willing) bytes_.reset();
  }
  [[nodiscard]] bool has_bytes() const noexcept { return bytes_.has_value(); }
  [[nodiscard]] std::string_view view() const noexcept { return bytes_->view(); }
  int asked = 0;
  bool willing = true;

 private:
  std::optional<LentBytes> bytes_;
};

TEST(PrintBuffer, InMemoryALongReplyStaysUntilTheNextOneIsPrinted) {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log, PrintBuffer::Kind::kMemory);
  const std::size_t before = resident_bytes();
  constexpr std::size_t kSize = 64 << 20;
  char* const first = buffer.data();
  for (int round = 0; round < 5; ++round) {
    std::memset(buffer.data(), 'a' + round, kSize);
    Debtor debtor(buffer.lend(buffer.data(), kSize));
    EXPECT_EQ(debtor.view().find_first_not_of(static_cast<char>('a' + round)), std::string_view::npos);
    EXPECT_EQ(debtor.asked, 0);
    char* const next = buffer.data();
    EXPECT_EQ(debtor.asked, 1);
    EXPECT_FALSE(debtor.has_bytes());
    EXPECT_EQ(next, first) << "the same memory, given back";
    EXPECT_LT(resident_bytes(), before + (8 << 20));
  }
}

TEST(PrintBuffer, InMemoryAReplyThatCannotGoBackHasTheNextOnePrintedElsewhere) {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log, PrintBuffer::Kind::kMemory);
  char* const first = buffer.data();
  std::memset(first, 'x', 1 << 20);
  std::optional<Debtor> debtor(std::in_place, buffer.lend(first, 1 << 20));
  debtor->willing = false;
  char* const second = buffer.data();
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second, first);
  std::memset(second, 'y', 1 << 20);
  EXPECT_EQ(text_of(as_file(buffer.lend(second, 1 << 20))), std::string(1 << 20, 'y'));
  EXPECT_EQ(debtor->view(), std::string(1 << 20, 'x'));
  debtor.reset();
  EXPECT_EQ(buffer.data(), first);
}

TEST(PrintBuffer, InMemoryShortRepliesAreNotAskedFor) {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log, PrintBuffer::Kind::kMemory);
  std::memset(buffer.data(), 'x', 64 * 1024);
  const Debtor debtor(buffer.lend(buffer.data(), 64 * 1024));
  EXPECT_NE(buffer.data(), nullptr);
  EXPECT_EQ(debtor.asked, 0);
  EXPECT_TRUE(debtor.has_bytes());
}

TEST(PrintBuffer, DescriptorsComeBack) {
  const auto open_descriptors = [] {
    const std::filesystem::directory_iterator listing("/proc/self/fd");
    return std::distance(begin(listing), end(listing));
  };
  const auto before = open_descriptors();
  {
    FakeLog log;
    PrintBuffer buffer(0, 64 * 1024, log);
    for (int round = 0; round < 50; ++round) {
      buffer.data()[0] = 'x';
      const auto lent = buffer.lend(buffer.data(), round % 2 == 0 ? 100 : 100'000);
    }
    EXPECT_LE(open_descriptors(), before + 5);
  }
  EXPECT_EQ(open_descriptors(), before);
}

/// In a process of its own: a limit cannot be raised again.
[[noreturn]] void print_without_files_and_exit(int resource, rlim_t most) {
  FakeLog log;
  const rlimit limit{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
  PrintBuffer buffer(0, 64 * 1024, log);
  const std::size_t before = resident_bytes();
  constexpr std::size_t kSize = 16 << 20;
  bool right = buffer.size() == PrintBuffer::kReserve;
  for (int round = 0; round < 3; ++round) {
    char* const data = buffer.data();
    if (data == nullptr) std::_Exit(2);
    std::memset(data, 'x', kSize);
    const auto lent = buffer.lend(data, kSize);
    const auto* const bytes = std::get_if<LentBytes>(&lent);
    right = right && bytes != nullptr && bytes->view().size() == kSize &&
            bytes->view().find_first_not_of('x') == std::string_view::npos;
  }
  right = right && resident_bytes() < before + kSize / 2;
  std::memset(buffer.data(), 'x', kSize);
  buffer.settle(true);
  right = right && resident_bytes() < before + kSize / 2 && log.text.empty();
  std::_Exit(right ? 0 : 1);
}

TEST(PrintBuffer, WithoutFilesLongRepliesAreLentFromMemory) {
  EXPECT_EXIT(print_without_files_and_exit(RLIMIT_FSIZE, 1 << 20), ::testing::ExitedWithCode(0), "");
}

[[noreturn]] void run_out_of_descriptors_and_exit() {
  FakeLog log;
  PrintBuffer buffer(0, 64 * 1024, log);
  buffer.data()[0] = 'x';
  const rlimit limit{3, 3};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto first = buffer.lend(buffer.data(), 1 << 20);
  char* const data = buffer.data();
  if (data == nullptr) std::_Exit(2);
  std::memset(data, 'y', 1 << 20);
  const auto second = buffer.lend(data, 1 << 20);
  const bool right = std::holds_alternative<FileBody>(first) && std::holds_alternative<LentBytes>(second) &&
                     std::get<LentBytes>(second).view() == std::string(1 << 20, 'y');
  std::_Exit(right ? 0 : 1);
}

TEST(PrintBuffer, WithoutDescriptorsLongRepliesAreLentFromMemory) {
  EXPECT_EXIT(run_out_of_descriptors_and_exit(), ::testing::ExitedWithCode(0), "");
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

#if !defined(HTTPD_ADDRESS_SANITIZER)
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
#if defined(HTTPD_ADDRESS_SANITIZER)
  GTEST_SKIP() << "the address sanitizer reserves more address space than the limit allows";
#else
  EXPECT_EXIT(fall_back_and_exit(), ::testing::ExitedWithCode(0), "");
#endif
}

}  // namespace
}  // namespace httpd::capi
