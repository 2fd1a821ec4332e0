// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/stream.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>

#include "../memory_file.h"

namespace httpd::net {
namespace {

using State = IoResult::State;

class StreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    stream = std::make_unique<PlainStream>(UniqueFd(pair[0]));
    peer = UniqueFd(pair[1]);
  }
  std::unique_ptr<PlainStream> stream;
  UniqueFd peer;
  std::array<char, 64> buffer{};
};

TEST_F(StreamTest, TellsDataBlockedAndEndApart) {
  EXPECT_EQ(stream->read(buffer.data(), buffer.size()).state, State::kBlocked);
  ASSERT_EQ(::send(peer.get(), "abc", 3, 0), 3);
  const IoResult data = stream->read(buffer.data(), buffer.size());
  EXPECT_EQ(data.state, State::kDone);
  EXPECT_EQ(data.bytes, 3U);
  peer.reset();
  EXPECT_EQ(stream->read(buffer.data(), buffer.size()).state, State::kEnd);
}

TEST_F(StreamTest, AReadThatFillsTheBufferDoesNotSayThatTheSocketIsEmpty) {
  ASSERT_EQ(::send(peer.get(), "abcdef", 6, 0), 6);
  IoResult result = stream->read(buffer.data(), 5);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_FALSE(result.drained);
  ASSERT_EQ(::send(peer.get(), "gh", 2, 0), 2);
  result = stream->read(buffer.data(), 3);
  EXPECT_EQ(result.bytes, 3U);
  EXPECT_FALSE(result.drained) << "as full as it could be";
  ASSERT_EQ(::send(peer.get(), "ij", 2, 0), 2);
  result = stream->read(buffer.data(), 3);
  EXPECT_EQ(result.bytes, 2U);
  EXPECT_TRUE(result.drained);
}

TEST_F(StreamTest, IsNotEncryptedAndSaysNothingAtItsEnd) {
  EXPECT_EQ(stream->tls(), nullptr);
  EXPECT_TRUE(stream->end());
  EXPECT_EQ(::recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT), -1);
  char byte = 'x';
  const iovec piece{&byte, 1};
  const IoResult result = stream->write(std::span(&piece, 1));
  EXPECT_EQ(result.bytes, 1U);
  EXPECT_FALSE(result.again);
}

TEST_F(StreamTest, WritesPiecesInOrder) {
  char first[] = "head ";
  char second[] = "body";
  const std::array<iovec, 2> pieces{iovec{first, 5}, iovec{second, 4}};
  EXPECT_EQ(stream->write(pieces).bytes, 9U);
  EXPECT_EQ(::recv(peer.get(), buffer.data(), buffer.size(), 0), 9);
  EXPECT_EQ(std::string(buffer.data(), 9), "head body");
}

TEST_F(StreamTest, AFullSocketBlocksAndABrokenOneFailsWithoutASignal) {
  std::string much(1 << 20, 'x');
  const iovec piece{much.data(), much.size()};
  IoResult result{State::kDone};
  for (int i = 0; i < 100 && result.state == State::kDone; ++i)
    result = stream->write(std::span(&piece, 1));
  EXPECT_EQ(result.state, State::kBlocked);
  peer.reset();
  EXPECT_EQ(stream->write(std::span(&piece, 1)).state, State::kFailed);
}

TEST_F(StreamTest, FinishWritingLeavesReading) {
  stream->finish_writing();
  EXPECT_EQ(::recv(peer.get(), buffer.data(), buffer.size(), 0), 0);
  ASSERT_EQ(::send(peer.get(), "still", 5, 0), 5);
  EXPECT_EQ(stream->read(buffer.data(), buffer.size()).bytes, 5U);
}

TEST_F(StreamTest, SendsAPartOfAFileAndLeavesItsPosition) {
  const UniqueFd file(memory_file("0123456789"));
  const IoResult result = stream->send_file({file.get(), 2, 5});
  EXPECT_EQ(result.state, State::kDone);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_FALSE(result.again);
  EXPECT_EQ(::recv(peer.get(), buffer.data(), buffer.size(), 0), 5);
  EXPECT_EQ(std::string(buffer.data(), 5), "23456");
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 10);
}

TEST_F(StreamTest, AFileThatIsTooShortIsNoFaultOfTheConnection) {
  const UniqueFd file(memory_file("0123"));
  IoResult result = stream->send_file({file.get(), 2, 5});
  EXPECT_EQ(result.state, State::kDone);
  EXPECT_EQ(result.bytes, 2U) << "what is there";
  for (const FilePart& part : {FilePart{file.get(), 4, 3}, FilePart{-1, 0, 1}}) {
    result = stream->send_file(part);
    EXPECT_EQ(result.state, State::kFailed);
    EXPECT_TRUE(result.file_failed);
  }
  char byte = 'x';
  const iovec piece{&byte, 1};
  EXPECT_EQ(stream->write(std::span(&piece, 1)).bytes, 1U);
}

TEST_F(StreamTest, AFileBlocksAndFailsAsMemoryDoes) {
  ASSERT_NE(::signal(SIGPIPE, SIG_IGN), SIG_ERR);
  const UniqueFd file(memory_file(std::string(1 << 20, 'x')));
  IoResult result{State::kDone};
  for (int i = 0; i < 100 && result.state == State::kDone; ++i)
    result = stream->send_file({file.get(), 0, 1 << 20});
  EXPECT_EQ(result.state, State::kBlocked);
  EXPECT_EQ(result.bytes, 0U);
  peer.reset();
  result = stream->send_file({file.get(), 0, 1 << 20});
  EXPECT_EQ(result.state, State::kFailed);
  EXPECT_FALSE(result.file_failed);
}

TEST_F(StreamTest, WhatSendfileCannotReadIsCopied) {
  // A file that the kernel makes as it is read, and knows no other way to give.
  const UniqueFd file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  std::array<char, 4> expected{};
  ASSERT_TRUE(read_file({file.get(), 1, 4}, expected.data()));
  EXPECT_EQ(stream->send_file({file.get(), 1, 4}).bytes, 4U);
  EXPECT_EQ(::recv(peer.get(), buffer.data(), buffer.size(), 0), 4);
  EXPECT_EQ(std::string(buffer.data(), 4), std::string(expected.data(), 4));
  EXPECT_TRUE(stream->send_file({file.get(), 1 << 20, 4}).file_failed);
}

TEST(ReadFile, AllOrNothing) {
  const UniqueFd file(memory_file("0123456789"));
  std::array<char, 10> bytes{};
  EXPECT_TRUE(read_file({file.get(), 0, 10}, bytes.data()));
  EXPECT_EQ(std::string(bytes.data(), 10), "0123456789");
  EXPECT_TRUE(read_file({file.get(), 9, 1}, bytes.data()));
  EXPECT_EQ(bytes[0], '9');
  EXPECT_FALSE(read_file({file.get(), 9, 2}, bytes.data()));
  EXPECT_FALSE(read_file({-1, 0, 1}, bytes.data()));
}

}  // namespace
}  // namespace httpd::net
