// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/message.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "descriptors.h"
#include "net/stream.h"
#include "process/memory_file.h"
#include "random.h"

namespace httpd::process {
namespace {

class MessageTest : public ::testing::Test {
 protected:
  static Outgoing message(std::string_view first, std::string_view second = {}, std::string_view body = {}) {
    Outgoing outgoing;
    outgoing.header.kind = Header::Kind::kReply;
    outgoing.header.id = 7;
    outgoing.header.sizes = {static_cast<std::uint32_t>(first.size()),
                             static_cast<std::uint32_t>(second.size())};
    outgoing.header.body_size = body.size();
    outgoing.parts = {first, second, body};
    return outgoing;
  }
  SendResult send(const Outgoing& outgoing) { return send_message(pair[0].get(), outgoing, false); }
  ReceiveResult receive() {
    incoming = Incoming();
    return receive_message(pair[1].get(), buffer, incoming);
  }
  /// Sends what send_message() would never send.
  void send_raw(const Header& header, std::string_view payload, std::vector<int> files = {}) {
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes += payload;
    send_bytes(bytes, files);
  }
  void send_bytes(std::string bytes, const std::vector<int>& files = {}) {
    iovec piece{bytes.data(), bytes.size()};
    std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
    msghdr data{};
    data.msg_iov = &piece;
    data.msg_iovlen = 1;
    if (!files.empty()) {
      data.msg_control = control.data();
      data.msg_controllen = CMSG_SPACE(files.size() * sizeof(int));
      cmsghdr* const head = CMSG_FIRSTHDR(&data);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
      std::memcpy(CMSG_DATA(head), files.data(), files.size() * sizeof(int));
    }
    ASSERT_GE(::sendmsg(pair[0].get(), &data, MSG_NOSIGNAL), 0);
  }
  static std::string text_of(int file, std::size_t size) {
    std::string text(size, '\0');
    EXPECT_TRUE(net::read_file({file, 0, size}, text.data()));
    return text;
  }

  std::array<net::UniqueFd, 2> pair = socket_pair();
  std::vector<char> buffer = std::vector<char>(kMessageSize);
  Incoming incoming;
};

TEST_F(MessageTest, CarriesThreeParts) {
  ASSERT_EQ(send(message("a", "bc", "def")), SendResult::kSent);
  ASSERT_EQ(receive(), ReceiveResult::kMessage);
  EXPECT_EQ(incoming.header.kind, Header::Kind::kReply);
  EXPECT_EQ(incoming.header.id, 7U);
  EXPECT_EQ(incoming.part(0), "a");
  EXPECT_EQ(incoming.part(1), "bc");
  EXPECT_EQ(incoming.part(2), "def");
  EXPECT_FALSE(incoming.lost_files);
  EXPECT_FALSE(incoming.file);
  EXPECT_EQ(receive(), ReceiveResult::kNothing);
}

TEST_F(MessageTest, CarriesEmptyParts) {
  for (const auto& [first, second, body] : std::vector<std::array<std::string_view, 3>>{
           {"", "", ""}, {"", "x", ""}, {"x", "", ""}, {"", "", "x"}, {"x", "", "y"}}) {
    ASSERT_EQ(send(message(first, second, body)), SendResult::kSent);
    ASSERT_EQ(receive(), ReceiveResult::kMessage);
    EXPECT_EQ(incoming.part(0), first);
    EXPECT_EQ(incoming.part(1), second);
    EXPECT_EQ(incoming.part(2), body);
  }
}

TEST_F(MessageTest, TravelsInAFileOnlyWhenItDoesNotFit) {
  const std::size_t before = open_descriptors();
  const std::string fits(kInlineLimit - 2, 'f');
  ASSERT_EQ(send(message("a", "b", fits)), SendResult::kSent);
  ASSERT_EQ(receive(), ReceiveResult::kMessage);
  EXPECT_EQ(incoming.header.payload_in_file, 0U);
  EXPECT_EQ(incoming.part(2), fits);

  const std::string too_long = fits + "!";
  ASSERT_EQ(send(message("a", "b", too_long)), SendResult::kSent);
  ASSERT_EQ(receive(), ReceiveResult::kMessage);
  EXPECT_EQ(incoming.header.payload_in_file, 1U);
  EXPECT_EQ(incoming.payload, "");
  ASSERT_TRUE(incoming.payload_file);
  EXPECT_EQ(text_of(incoming.payload_file.get(), kInlineLimit + 1), "ab" + too_long);
  MappedFile mapped;
  EXPECT_TRUE(mapped.map(incoming.payload_file.get(), kInlineLimit + 1));
  incoming = Incoming();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(MessageTest, CarriesAFileBesideThePayload) {
  for (const std::size_t size : {std::size_t{1}, kInlineLimit + 1}) {
    const std::string head(size, 'h');
    const net::UniqueFd file = open_file("the body");
    Outgoing outgoing = message(head);
    outgoing.header.body = Header::Body::kInFile;
    outgoing.header.body_size = 8;
    outgoing.file = file.get();
    ASSERT_EQ(send(outgoing), SendResult::kSent);
    ASSERT_EQ(receive(), ReceiveResult::kMessage);
    EXPECT_EQ(text_of(incoming.file.get(), 8), "the body");
    EXPECT_EQ(static_cast<bool>(incoming.payload_file), size > kInlineLimit);
    if (incoming.payload_file) {
      EXPECT_EQ(text_of(incoming.payload_file.get(), size), head);
    }
    EXPECT_NE(::fcntl(incoming.file.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(MessageTest, FilesThatNobodyAskedForAreClosed) {
  const std::size_t before = open_descriptors();
  const net::UniqueFd file = open_file("x");
  Header header;
  header.body_size = 1;
  send_raw(header, "p", {file.get()});
  EXPECT_EQ(receive(), ReceiveResult::kMessage);
  EXPECT_FALSE(incoming.file);
  send_raw(header, "p", {file.get(), file.get()});
  EXPECT_EQ(receive(), ReceiveResult::kMessage);
  header.body = Header::Body::kInFile;
  send_raw(header, "", std::vector<int>(8, file.get()));
  EXPECT_EQ(receive(), ReceiveResult::kMessage);
  EXPECT_TRUE(incoming.lost_files) << "more of them than there is room for";
  send_raw(header, "too much", {file.get(), file.get()});
  EXPECT_EQ(receive(), ReceiveResult::kGone);
  incoming = Incoming();
  EXPECT_EQ(open_descriptors(), before + 1);
}

TEST_F(MessageTest, FilesOfWhatIsNoMessageAreClosed) {
  const net::UniqueFd file = open_file("x");
  const std::size_t before = open_descriptors();
  send_bytes("short", {file.get(), file.get()});
  EXPECT_EQ(receive(), ReceiveResult::kGone);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(MessageTest, AFileThatIsMissingIsNoticed) {
  Header header;
  header.body = Header::Body::kInFile;
  header.body_size = 100;
  send_raw(header, "");
  EXPECT_EQ(receive(), ReceiveResult::kGone);
  header.payload_in_file = 1;
  const net::UniqueFd file = open_file("x");
  send_raw(header, "", {file.get()});
  EXPECT_EQ(receive(), ReceiveResult::kGone) << "one of two";
}

TEST_F(MessageTest, HeadersThatSpeakOfOtherSizesAreNoMessages) {
  const auto check = [this](std::array<std::uint32_t, 2> sizes, std::uint64_t body,
                            std::string_view payload) {
    Header header;
    header.sizes = sizes;
    header.body_size = body;
    send_raw(header, payload);
    return receive();
  };
  EXPECT_EQ(check({1, 1}, 1, "abc"), ReceiveResult::kMessage);
  EXPECT_EQ(check({1, 1}, 1, "ab"), ReceiveResult::kGone);
  EXPECT_EQ(check({1, 1}, 1, "abcd"), ReceiveResult::kGone);
  EXPECT_EQ(check({0, 0}, 4, "abc"), ReceiveResult::kGone);
  EXPECT_EQ(check({UINT32_MAX, 4}, 0, "abc"), ReceiveResult::kGone) << "wraps with 32 bits";
  EXPECT_EQ(check({2, 2}, UINT64_MAX, "abc"), ReceiveResult::kGone) << "wraps with 64 bits";
  EXPECT_EQ(check({UINT32_MAX, UINT32_MAX}, UINT64_MAX - 1, "abc"), ReceiveResult::kGone);
  Header in_file;
  in_file.payload_in_file = 1;
  const net::UniqueFd file = open_file("x");
  send_raw(in_file, "x", {file.get()});
  EXPECT_EQ(receive(), ReceiveResult::kGone) << "half here, half there";
}

TEST_F(MessageTest, WhatIsTooShortOrTooLongIsNoMessage) {
  const Header header;
  const std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  for (std::size_t size = 0; size < sizeof header; ++size) {
    send_bytes(bytes.substr(0, size));
    EXPECT_EQ(receive(), ReceiveResult::kGone) << size;
  }
  send_bytes(bytes);
  EXPECT_EQ(receive(), ReceiveResult::kMessage);
  Header longest;
  longest.body_size = kInlineLimit;
  send_raw(longest, std::string(kInlineLimit + 1, 'x'));
  EXPECT_EQ(receive(), ReceiveResult::kGone) << "its end was cut off";
}

TEST_F(MessageTest, RandomHeadersNeverLeadOutOfThePayload) {
  Random random(1);
  const net::UniqueFd file = open_file("x");
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 5000; ++round) {
    std::array<unsigned char, sizeof(Header)> bytes{};
    for (unsigned char& byte : bytes)
      byte =
          random() % 3 == 0 ? static_cast<unsigned char>(random()) : static_cast<unsigned char>(random() % 4);
    Header header;
    std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
    if (random() % 2 == 0) header.sizes = {random() % 8, random() % 8};
    if (random() % 2 == 0) header.body_size = random() % 8;
    send_raw(header, std::string(random() % 16, 'p'), std::vector<int>(random() % 3, file.get()));
    if (receive() != ReceiveResult::kMessage || incoming.header.payload_in_file != 0) continue;
    EXPECT_EQ(incoming.part(0).size() + incoming.part(1).size() + incoming.part(2).size(),
              incoming.payload.size());
  }
  incoming = Incoming();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(MessageTest, TellsAnEndFromARequestThatWasNotRead) {
  pair[1].reset();
  EXPECT_EQ(send(message("x")), SendResult::kGone);
  EXPECT_EQ(receive_message(pair[0].get(), buffer, incoming), ReceiveResult::kGone);

  pair = socket_pair();
  ASSERT_EQ(send(message("x")), SendResult::kSent);
  ASSERT_EQ(receive(), ReceiveResult::kMessage);
  pair[1].reset();
  EXPECT_EQ(receive_message(pair[0].get(), buffer, incoming), ReceiveResult::kGone);

  pair = socket_pair();
  ASSERT_EQ(send(message("x")), SendResult::kSent);
  pair[1].reset();
  EXPECT_EQ(receive_message(pair[0].get(), buffer, incoming), ReceiveResult::kUnread);
}

TEST_F(MessageTest, WhatTheOtherEndSaidBeforeItEndedIsStillRead) {
  ASSERT_EQ(send(message("last words")), SendResult::kSent);
  pair[0].reset();
  EXPECT_EQ(receive(), ReceiveResult::kMessage);
  EXPECT_EQ(incoming.part(0), "last words");
  EXPECT_EQ(receive(), ReceiveResult::kGone);
}

TEST_F(MessageTest, AFullSocketBlocksOrIsWaitedFor) {
  const std::string large(kInlineLimit, 'x');
  int sent = 0;
  while (send(message(large)) == SendResult::kSent)
    ASSERT_LT(++sent, 1000);
  EXPECT_GE(sent, 2) << "a piece of a stream fits besides a reply";
  EXPECT_EQ(send(message(large)), SendResult::kBlocked);
  // The kernel wakes a sender when much of the socket is free again, and not at once.
  int received = 0;
  std::thread reader([&] {
    std::vector<char> room(kMessageSize);
    Incoming got;
    for (received = 0; received < sent + 1;)
      received += receive_message(pair[1].get(), room, got) == ReceiveResult::kMessage ? 1 : 0;
  });
  EXPECT_EQ(send_message(pair[0].get(), message(large), true), SendResult::kSent);
  reader.join();
  EXPECT_EQ(received, sent + 1);
  EXPECT_EQ(receive(), ReceiveResult::kNothing);
}

TEST_F(MessageTest, WaitingEndsWhenTheOtherEndDoes) {
  const std::string large(kInlineLimit, 'x');
  while (send(message(large)) == SendResult::kSent) {
  }
  std::thread closer([&] {
    ::usleep(20'000);
    pair[1].reset();
  });
  EXPECT_EQ(send_message(pair[0].get(), message(large), true), SendResult::kGone);
  closer.join();
}

class MessageDeathTest : public MessageTest {};

TEST_F(MessageDeathTest, WithoutADescriptorALongPayloadCannotBeSent) {
  EXPECT_EXIT(
      {
        leave_descriptors(0);
        const std::string large(kInlineLimit + 1, 'x');
        const bool right =
            send(message(large)) == SendResult::kNoResources && send(message("short")) == SendResult::kSent;
        std::_Exit(right ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(MessageDeathTest, FilesThatFindNoDescriptorAreLostAndTheMessageIsNot) {
  for (const std::size_t spare : {0U, 1U, 2U})
    EXPECT_EXIT(
        {
          const std::string large(kInlineLimit + 1, 'x');
          const net::UniqueFd file = open_file("x");
          Outgoing outgoing = message(large);
          outgoing.header.body = Header::Body::kInFile;
          outgoing.file = file.get();
          bool right = send(outgoing) == SendResult::kSent;
          leave_descriptors(spare);
          right = right && receive() == ReceiveResult::kMessage && incoming.header.id == 7 &&
                  incoming.lost_files == (spare < 2);
          std::_Exit(right ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "")
        << spare;
}

}  // namespace
}  // namespace httpd::process
