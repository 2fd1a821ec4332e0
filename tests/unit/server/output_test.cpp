// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/output.h"

#include <gtest/gtest.h>

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
  bool end() noexcept override { return true; }
  void finish_writing() noexcept override {}
  std::string text;
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
    queue.append(lend(lent));
    NarrowStream stream(at_once);
    int turns = 0;
    while (!queue.empty() && ++turns < 100)
      queue.write_to(stream);
    EXPECT_EQ(stream.text, "copied and joined moved lent bytes");
    EXPECT_EQ(released, 1);
  }
}

TEST(OutputQueue, EmptyPiecesLeaveItEmpty) {
  released = 0;
  OutputQueue queue;
  const std::string text = "done already";
  queue.append_copy("");
  queue.append(std::string("x"), 1);
  queue.append(lend(text), text.size());
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

}  // namespace
}  // namespace httpd::server
