// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/memory_file.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <gtest/gtest.h>
#include <string>

#include "descriptors.h"
#include "net/stream.h"

namespace httpd::process {
namespace {

net::UniqueFd make(std::string_view first, std::string_view second = {}) {
  const std::array pieces{first, second};
  return make_memory_file(pieces);
}

TEST(MemoryFile, HoldsItsPiecesInOrder) {
  const net::UniqueFd file = make("one", "two");
  ASSERT_TRUE(file);
  std::array<char, 6> bytes{};
  EXPECT_TRUE(net::read_file({file.get(), 0, bytes.size()}, bytes.data()));
  EXPECT_EQ(std::string_view(bytes.data(), bytes.size()), "onetwo");
}

TEST(MemoryFile, MayBeEmpty) {
  const net::UniqueFd file = make("");
  ASSERT_TRUE(file);
  MappedFile mapped;
  EXPECT_TRUE(mapped.map(file.get(), 0));
  EXPECT_EQ(mapped.view(), "");
  EXPECT_FALSE(mapped.map(file.get(), 1));
}

TEST(MemoryFile, CannotBeChanged) {
  const net::UniqueFd file = make("abc");
  EXPECT_LT(::pwrite(file.get(), "x", 1, 0), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_LT(::pwrite(file.get(), "x", 1, 3), 0) << "nor become longer";
  EXPECT_NE(::ftruncate(file.get(), 1), 0);
  EXPECT_NE(::ftruncate(file.get(), 100), 0);
  EXPECT_EQ(::mmap(nullptr, 3, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0), MAP_FAILED);
  EXPECT_NE(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0) << "nor sealed otherwise";
  EXPECT_NE(::fcntl(file.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(MemoryFile, ReadsExactlyOrNotAtAll) {
  const net::UniqueFd file = make("abcdef");
  std::array<char, 8> bytes{};
  EXPECT_TRUE(net::read_file({file.get(), 4, 2}, bytes.data()));
  EXPECT_EQ(std::string_view(bytes.data(), 2), "ef");
  EXPECT_FALSE(net::read_file({file.get(), 4, 3}, bytes.data()));
  EXPECT_FALSE(net::read_file({file.get(), 7, 1}, bytes.data()));
  EXPECT_FALSE(net::read_file({file.get(), UINT64_MAX, 1}, bytes.data()));
  EXPECT_TRUE(net::read_file({file.get(), 99, 0}, bytes.data()));
  EXPECT_FALSE(net::read_file({-1, 0, 1}, bytes.data()));
  const auto [socket, other] = socket_pair();
  EXPECT_FALSE(net::read_file({socket.get(), 0, 1}, bytes.data())) << "what has no positions is no file";
}

TEST(MemoryFile, AMappingOutlivesTheDescriptorAndIsPrivate) {
  net::UniqueFd file = make("abc", std::string(100'000, 'x'));
  const net::UniqueFd same(::dup(file.get()));
  MappedFile mapped;
  ASSERT_TRUE(mapped.map(file.get(), 100'003));
  file.reset();
  EXPECT_EQ(mapped.view().substr(0, 4), "abcx");
  EXPECT_EQ(mapped.view().size(), 100'003U);
  const_cast<char*>(mapped.view().data())[0] = 'A';
  std::array<char, 1> byte{};
  EXPECT_TRUE(net::read_file({same.get(), 0, 1}, byte.data()));
  EXPECT_EQ(byte[0], 'a');
}

TEST(MemoryFile, AMappingMayBeMovedAndMadeAnew) {
  const net::UniqueFd first = make("first");
  const net::UniqueFd second = make("second");
  MappedFile mapped;
  ASSERT_TRUE(mapped.map(first.get(), 5));
  MappedFile moved(std::move(mapped));
  EXPECT_EQ(moved.view(), "first");
  MappedFile assigned;
  ASSERT_TRUE(assigned.map(second.get(), 6));
  assigned = std::move(moved);
  EXPECT_EQ(assigned.view(), "first");
  ASSERT_TRUE(assigned.map(second.get(), 3));
  EXPECT_EQ(assigned.view(), "sec");
  EXPECT_FALSE(assigned.map(-1, 1));
  EXPECT_EQ(assigned.view(), "") << "what was mapped before is not taken for the new one";
}

TEST(MemoryFile, OnlyWhatCannotShrinkIsMapped) {
  MappedFile mapped;
  const net::UniqueFd open = open_file("abc");
  EXPECT_FALSE(mapped.map(open.get(), 3));
  ASSERT_EQ(::fcntl(open.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE), 0);
  EXPECT_FALSE(mapped.map(open.get(), 3));
  ASSERT_EQ(::fcntl(open.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  EXPECT_TRUE(mapped.map(open.get(), 3));
  EXPECT_FALSE(mapped.map(open.get(), 4)) << "reading behind its end would be a SIGBUS";
  EXPECT_FALSE(mapped.map(open.get(), SIZE_MAX));
  const net::UniqueFd executable(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(mapped.map(executable.get(), 1));
  const auto [socket, other] = socket_pair();
  EXPECT_FALSE(mapped.map(socket.get(), 0));
}

[[noreturn]] void make_without_descriptors() {
  leave_descriptors(0);
  errno = 0;
  const bool none = !make("abc") && errno == EMFILE;
  std::_Exit(none ? 0 : 1);
}

[[noreturn]] void make_longer_than_allowed() {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{10, 10};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const std::size_t before = open_descriptors();
  const bool fits = static_cast<bool>(make("0123456789"));
  const bool refused = !make("0123456789", "x");
  std::_Exit(fits && refused && open_descriptors() == before ? 0 : 1);
}

TEST(MemoryFileDeathTest, IsNoneWhereTheSystemHasNoneLeft) {
  EXPECT_EXIT(make_without_descriptors(), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(make_longer_than_allowed(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace httpd::process
