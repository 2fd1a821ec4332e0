// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "../memory_file.h"

namespace httpd::server {
namespace {

/// Takes `capacity` bytes, then blocks.
class NarrowStream final : public net::Stream {
 public:
  explicit NarrowStream(std::size_t at_once) : at_once_(at_once) {}
  int descriptor() const noexcept override { return -1; }
  net::IoResult read(char*, std::size_t) noexcept override { return {net::IoResult::State::kBlocked}; }
  net::IoResult write(std::span<const iovec> pieces) noexcept override {
    if (broken) return {net::IoResult::State::kFailed};
    std::size_t left = at_once_;
    for (const iovec& piece : pieces) {
      const std::size_t size = std::min(left, piece.iov_len);
      text.append(static_cast<const char*>(piece.iov_base), size);
      left -= size;
    }
    return {net::IoResult::State::kDone, at_once_ - left};
  }
  net::IoResult send_file(const net::FilePart& part) noexcept override {
    asked = part.size;
    std::string bytes(std::min<std::size_t>(at_once_, part.size), '\0');
    if (!net::read_file({part.descriptor, part.offset, bytes.size()}, bytes.data()))
      return {net::IoResult::State::kFailed, 0, false, false, true};
    if (blocked) return {net::IoResult::State::kBlocked};
    text += bytes;
    return {net::IoResult::State::kDone, bytes.size()};
  }
  bool end() noexcept override { return true; }
  void finish_writing() noexcept override {}
  std::string text;
  std::uint64_t asked = 0;
  bool blocked = false;
  bool broken = false;

 private:
  std::size_t at_once_;
};

int released = 0;
LentBytes lend(const std::string& text) {
  return {text.data(), text.size(), [](void*) noexcept { ++released; }, nullptr};
}

TEST(OutputQueue, WritesEverythingInOrderWhateverFitsAtOnce) {
  const std::string lent = "lent bytes";
  for (std::size_t at_once = 1; at_once < 40; ++at_once) {
    released = 0;
    OutputQueue queue;
    queue.append_copy("copied ");
    queue.append_copy("and joined ");
    queue.append(std::string("XXmoved "), 2);
    queue.append(FileBody(memory_file("__ from a file__"), 3, 11));
    queue.append_copy(" copied");
    queue.append(FileBody(memory_file(" file"), 0, 5));
    queue.append(lend(lent));
    NarrowStream stream(at_once);
    int turns = 0;
    while (!queue.empty() && ++turns < 100)
      queue.write_to(stream);
    EXPECT_EQ(stream.text, "copied and joined moved from a file copied filelent bytes");
    EXPECT_EQ(released, 1);
  }
}

TEST(OutputQueue, GivesBackWhatItBorrowedAndGoesOnFromAFile) {
  const std::string text = numbered_lines(300'000);
  for (const std::size_t at_once : {1000U, 100'000U, 400'000U}) {
    released = 0;
    LentBytes::Borrower* borrower = nullptr;
    OutputQueue queue;
    queue.append_copy("before ");
    queue.append(LentBytes(
                     text.data(), text.size(), [](void*) noexcept { ++released; }, nullptr, &borrower),
                 100);
    queue.append_copy(" behind");
    ASSERT_NE(borrower, nullptr);
    NarrowStream stream(at_once);
    queue.write_to(stream);
    if (at_once < text.size()) {
      borrower->give_back();
      EXPECT_EQ(released, 1);
    }
    EXPECT_EQ(borrower, nullptr) << "nothing is asked of who has nothing";
    while (!queue.empty())
      queue.write_to(stream);
    EXPECT_EQ(stream.text, "before " + text.substr(100) + " behind");
    EXPECT_EQ(released, 1);
  }
}

TEST(OutputQueue, WithoutDescriptorsItKeepsWhatItBorrowed) {
  const std::string text = numbered_lines(100'000);
  LentBytes::Borrower* borrower = nullptr;
  released = 0;
  OutputQueue queue;
  queue.append(LentBytes(
      text.data(), text.size(), [](void*) noexcept { ++released; }, nullptr, &borrower));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  borrower->give_back();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(released, 0);
  ASSERT_NE(borrower, nullptr);
  NarrowStream stream(text.size());
  queue.write_to(stream);
  EXPECT_EQ(stream.text, text);
  EXPECT_EQ(released, 1);
}

TEST(OutputQueue, MemoryLetsOthersInBetween) {
  const std::string text = numbered_lines(2 * OutputQueue::kTurn + 5);
  OutputQueue queue;
  queue.append_copy("head");
  queue.append(std::string(text));
  NarrowStream stream(10 * OutputQueue::kTurn);
  net::IoResult result = queue.write_to(stream);
  EXPECT_EQ(result.state, net::IoResult::State::kDone);
  EXPECT_EQ(result.bytes, OutputQueue::kTurn);
  EXPECT_TRUE(result.again);
  int turns = 1;
  for (; !queue.empty(); ++turns)
    result = queue.write_to(stream);
  EXPECT_EQ(turns, 3);
  EXPECT_FALSE(result.again);
  EXPECT_EQ(stream.text, "head" + text);
}

TEST(OutputQueue, EmptyPiecesLeaveItEmpty) {
  released = 0;
  OutputQueue queue;
  const std::string text = "done already";
  queue.append_copy("");
  queue.append(std::string("x"), 1);
  queue.append(lend(text), text.size());
  queue.append(FileBody(memory_file("x"), 1, 0));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(released, 1);
}

TEST(OutputQueue, TellsWhatBecameOfTheStream) {
  OutputQueue queue;
  queue.append(std::string(100, 'x'));
  NarrowStream stream(60);
  const net::IoResult blocked = queue.write_to(stream);
  EXPECT_EQ(blocked.state, net::IoResult::State::kBlocked);
  EXPECT_EQ(blocked.bytes, 60U);
  stream.broken = true;
  EXPECT_EQ(queue.write_to(stream).state, net::IoResult::State::kFailed);
  queue.clear();
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueue, AFileLetsOthersInBetween) {
  const std::string text = numbered_lines(2 * OutputQueue::kTurn + 5);
  OutputQueue queue;
  queue.append(FileBody(memory_file(text), 0, text.size()));
  NarrowStream stream(600'000);
  net::IoResult result = queue.write_to(stream);
  EXPECT_EQ(result.state, net::IoResult::State::kDone);
  EXPECT_EQ(result.bytes, OutputQueue::kTurn);
  EXPECT_TRUE(result.again);
  stream.blocked = true;
  result = queue.write_to(stream);
  EXPECT_EQ(result.state, net::IoResult::State::kBlocked);
  EXPECT_FALSE(result.again);
  stream.blocked = false;
  while (!queue.empty())
    result = queue.write_to(stream);
  EXPECT_FALSE(result.again);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_TRUE(stream.text == text);
}

TEST(OutputQueue, AFileThatIsTooShortIsToldAndClosed) {
  const int descriptor = memory_file("0123456789");
  OutputQueue queue;
  queue.append(FileBody(descriptor, 0, 11));
  NarrowStream stream(5);
  const net::IoResult result = queue.write_to(stream);
  EXPECT_EQ(result.state, net::IoResult::State::kFailed);
  EXPECT_TRUE(result.file_failed);
  EXPECT_EQ(result.bytes, 10U);
  EXPECT_GE(::fcntl(descriptor, F_GETFD), 0);
  queue.clear();
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

}  // namespace
}  // namespace httpd::server
