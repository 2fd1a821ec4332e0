// Application data, and what disturbs it. SPDX-License-Identifier: GPL-2.0-or-later
#include <atomic>
#include <gmock/gmock.h>
#include <poll.h>
#include <random>
#include <string>
#include <thread>

#include "../memory_file.h"
#include "net/tls_stream.h"
#include "tls_client.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

using State = IoResult::State;

class TlsRecordsTest : public ::testing::Test {
 protected:
  /// A session in which nothing was said yet.
  TlsPair& open(const TlsClientOptions& options = {}) {
    pair = std::make_unique<TlsPair>(acceptor, options);
    EXPECT_TRUE(pair->shake_hands());
    pair->client->read();  // tickets
    return *pair;
  }
  void make_send_buffer(int size) {
    ASSERT_EQ(::setsockopt(pair->stream->descriptor(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  }
  TlsAcceptor acceptor{load_credentials({&pki::server()}), std::chrono::seconds(7200)};
  std::unique_ptr<TlsPair> pair;
};

/// Bytes in which every shift shows.
std::string pattern(std::size_t size) {
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random() & 0xFFU);
  return text;
}

/// Runs what is to be the same in both versions.
class TlsBothVersionsTest : public TlsRecordsTest, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, TlsBothVersionsTest, ::testing::Values(kTls12, kTls13), version_name);

TEST_P(TlsBothVersionsTest, ReadsWithBuffersOfAnySize) {
  const std::string text = pattern(100'000);
  for (const std::size_t size : {std::size_t{1000}, std::size_t{16383}, std::size_t{16384},
                                 std::size_t{16385}, std::size_t{65536}, std::size_t{1 << 20}}) {
    open({.priority = GetParam()});
    const int large = 1 << 20;
    ASSERT_EQ(::setsockopt(pair->client->descriptor(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large), 0);
    for (std::size_t at = 0; at < text.size(); at += 10'000)
      pair->client->write(text.substr(at, 10'000));
    pair->client->deliver();
    EXPECT_EQ(pair->read(size), text) << size;
    EXPECT_EQ(pair->result.state, State::kBlocked);
  }
}

TEST_P(TlsBothVersionsTest, ReadsSingleBytes) {
  open({.priority = GetParam()});
  pair->client->send("abc");
  EXPECT_EQ(pair->read(1), "abc");
}

TEST_P(TlsBothVersionsTest, SaysDrainedOnlyWhenNothingIsLeftHere) {
  open({.priority = GetParam()});
  pair->client->send("abcdef");
  std::vector<char> buffer(100);
  IoResult result = pair->stream->read(buffer.data(), 5);
  EXPECT_EQ(result.bytes, 5U);
  EXPECT_FALSE(result.drained) << "a byte of the record is left, and no event will tell";
  result = pair->stream->read(buffer.data(), 5);
  EXPECT_EQ(result.bytes, 1U);
  EXPECT_EQ(pair->stream->read(buffer.data(), 5).state, State::kBlocked);
  pair->client->send("abc");
  result = pair->stream->read(buffer.data(), buffer.size());
  EXPECT_EQ(result.bytes, 3U);
  EXPECT_TRUE(result.drained) << "saves a system call";
  pair->client->write("one");
  pair->client->write("two");
  pair->client->deliver();
  result = pair->stream->read(buffer.data(), 3);
  EXPECT_EQ(std::string(buffer.data(), result.bytes), "one");
  EXPECT_FALSE(result.drained) << "a whole record is left";
  result = pair->stream->read(buffer.data(), buffer.size());
  EXPECT_EQ(std::string(buffer.data(), result.bytes), "two");
  pair->client->write("three");
  pair->client->write("four");
  pair->client->deliver(pair->client->output.size() - 1);
  result = pair->stream->read(buffer.data(), buffer.size());
  EXPECT_EQ(std::string(buffer.data(), result.bytes), "three");
  pair->client->deliver();
  EXPECT_EQ(pair->read(), "four");
}

TEST_P(TlsBothVersionsTest, CloseNotifyIsTheEndBehindTheData) {
  open({.priority = GetParam()});
  pair->client->write("last");
  pair->client->close_notify();
  pair->client->deliver();
  EXPECT_EQ(pair->read(), "last");
  EXPECT_EQ(pair->result.state, State::kEnd);
  EXPECT_EQ(pair->read(), "");
  EXPECT_EQ(pair->result.state, State::kEnd) << "stays so";
  EXPECT_EQ(pair->write("reply").bytes, 5U) << "the other direction is open (RFC 8446 section 6.1)";
  EXPECT_EQ(pair->client->read(), "reply");
}

TEST_P(TlsBothVersionsTest, CloseNotifyAloneIsTheEnd) {
  open({.priority = GetParam()});
  pair->client->close_notify();
  pair->client->deliver();
  pair->client->finish();
  EXPECT_EQ(pair->read(), "");
  EXPECT_EQ(pair->result.state, State::kEnd);
}

TEST_P(TlsBothVersionsTest, WhoOnlyStopsWasCutOff) {
  for (const std::string text : {"", "data before"}) {
    open({.priority = GetParam()});
    if (!text.empty()) pair->client->send(text);
    pair->client->finish();
    EXPECT_EQ(pair->read(), text);
    EXPECT_EQ(pair->result.state, State::kFailed);
    EXPECT_EQ(pair->read(), "");
    EXPECT_EQ(pair->result.state, State::kFailed) << "stays so";
  }
}

TEST_P(TlsBothVersionsTest, ARecordThatWasCutIsNoData) {
  open({.priority = GetParam()});
  pair->client->write("whole");
  pair->client->deliver();
  pair->client->write("cut");
  pair->client->deliver(pair->client->output.size() - 1);
  pair->client->finish();
  EXPECT_EQ(pair->read(), "whole");
  EXPECT_EQ(pair->result.state, State::kFailed);
}

TEST_P(TlsBothVersionsTest, ARecordThatWasChangedIsNoData) {
  open({.priority = GetParam()});
  pair->client->send("whole");
  pair->client->write("changed");
  char& last = pair->client->output.back();
  last = static_cast<char>(last ^ 1);
  pair->client->deliver();
  EXPECT_EQ(pair->read(), "whole");
  EXPECT_EQ(pair->result.state, State::kFailed);
  EXPECT_EQ(pair->write("x").state, State::kFailed);
}

TEST_P(TlsBothVersionsTest, PlainBytesInASessionAreNoData) {
  open({.priority = GetParam()});
  pair->client->send_raw("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(pair->read(), "");
  EXPECT_EQ(pair->result.state, State::kFailed);
}

TEST_F(TlsRecordsTest, RecordsWithoutDataAreNothingUntilTheyAreAFlood) {
  // TLS 1.3 has no warnings, and in TLS 1.2 GnuTLS makes no empty records.
  for (const char* const version : {kTls12, kTls13}) {
    for (const int count : {3, 60, 2000}) {
      open({.priority = version});
      for (int i = 0; i < count; ++i) {
        const ssize_t code = version == kTls12 ? ::gnutls_alert_send(pair->client->get(), GNUTLS_AL_WARNING,
                                                                     GNUTLS_A_USER_CANCELED)
                                               : ::gnutls_record_send2(pair->client->get(), "", 0, 1, 0);
        ASSERT_EQ(code, 0);
      }
      pair->client->send("data");
      EXPECT_EQ(pair->read(), count < 2000 ? "data" : "") << count;
      EXPECT_EQ(pair->result.state, count < 2000 ? State::kBlocked : State::kFailed) << count;
    }
  }
}

TEST_P(TlsBothVersionsTest, PiecesMakeOneMessage) {
  open({.priority = GetParam()});
  std::string first = "head ";
  std::string second = "body";
  const std::vector<iovec> pieces{
      {first.data(), first.size()}, {second.data(), 0}, {second.data(), second.size()}};
  const IoResult result = pair->stream->write(pieces);
  EXPECT_EQ(result.state, State::kDone);
  EXPECT_EQ(result.bytes, 9U);
  std::string text(100, '?');
  EXPECT_EQ(::gnutls_record_recv(pair->client->get(), text.data(), text.size()), 9) << "in one record";
  EXPECT_EQ(text.substr(0, 9), "head body");
}

TEST_P(TlsBothVersionsTest, WritesToABrokenConnectionFail) {
  open({.priority = GetParam()});
  pair->client->close();
  EXPECT_EQ(pair->write("x").state, State::kFailed);
}

/// Writes `text` as whoever sends a reply does, until all is counted: what was not counted is offered again,
/// cut otherwise each time. The client reads `appetite` bytes between two attempts.
void write_all(TlsPair& pair, const std::string& text, std::size_t appetite, std::string& got) {
  std::mt19937 random(2);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  const std::array<std::size_t, 8> sizes{1, 2, 1000, 16383, 16384, 16385, 32768, 100'000};
  std::string copy = text;
  std::size_t written = 0;
  int idle = 0;
  while (written < text.size()) {
    std::vector<iovec> pieces;
    std::size_t offered = 0;
    while (written + offered < text.size() && pieces.size() < 64) {
      const std::size_t size = std::min(sizes[random() % sizes.size()], text.size() - written - offered);
      pieces.push_back({copy.data() + written + offered, size});
      if (random() % 8 == 0) pieces.push_back({copy.data(), 0});
      offered += size;
    }
    const IoResult result = pair.stream->write(pieces);
    ASSERT_NE(result.state, State::kFailed);
    ASSERT_LE(result.bytes, offered);
    ASSERT_EQ(result.state == State::kBlocked, result.bytes == 0);
    written += result.bytes;
    idle = result.bytes == 0 ? idle + 1 : 0;
    ASSERT_LT(idle, 100) << "no progress";
    if (written < text.size() && !result.again) got += pair.client->read(appetite);
  }
  EXPECT_EQ(written, text.size());
}

TEST_P(TlsBothVersionsTest, EverythingArrivesThroughANarrowSocket) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{16384}, std::size_t{65536}, std::size_t{65537},
                                 std::size_t{300'000}, std::size_t{3'000'000}}) {
    for (const std::size_t appetite : {std::size_t{1000}, std::size_t{20'000}, std::string::npos}) {
      if (size > 1'000'000 && appetite == 1000) continue;
      open({.priority = GetParam()});
      make_send_buffer(1);
      const std::string text = pattern(size);
      std::string got;
      write_all(*pair, text, appetite, got);
      // What was counted was sent: the client needs nothing more of the server.
      got += pair->client->read();
      EXPECT_EQ(got.size(), text.size());
      EXPECT_TRUE(got == text) << size << " bytes, " << appetite << " at a time";
      EXPECT_EQ(pair->client->code(), GNUTLS_E_AGAIN);
    }
  }
}

TEST_P(TlsBothVersionsTest, ClientsThatCannotTakeLongRecordsGetShortOnes) {
  pair = std::make_unique<TlsPair>(acceptor, TlsClientOptions{.priority = GetParam()});
  ASSERT_EQ(::gnutls_record_set_max_recv_size(pair->client->get(), 512), 0);
  ASSERT_TRUE(pair->shake_hands());
  make_send_buffer(1);
  const std::string text = pattern(100'000);
  std::string got;
  write_all(*pair, text, 10'000, got);
  got += pair->client->read();
  EXPECT_TRUE(got == text);
}

TEST_P(TlsBothVersionsTest, WhatIsOfferedMayGrow) {
  open({.priority = GetParam()});
  make_send_buffer(1);
  const std::string text = pattern(200'000);
  std::string got;
  std::size_t written = 0;
  for (std::size_t offered = 100'000; written < text.size(); offered = std::min(text.size(), offered + 7)) {
    std::string copy = text.substr(written, std::max(offered, written + 1) - written);
    const iovec piece{copy.data(), copy.size()};
    const IoResult result = pair->stream->write(std::span(&piece, 1));
    ASSERT_NE(result.state, State::kFailed);
    ASSERT_LE(result.bytes, copy.size());
    written += result.bytes;
    got += pair->client->read(10'000);
  }
  got += pair->client->read();
  EXPECT_TRUE(got == text);
}

TEST_P(TlsBothVersionsTest, ReadingGoesOnWhileAWriteWaits) {
  open({.priority = GetParam()});
  make_send_buffer(1);
  const std::string text = pattern(100'000);
  IoResult result = pair->write(text);
  const std::size_t first = result.bytes;
  ASSERT_LT(first, text.size());
  pair->client->send("meanwhile");
  EXPECT_EQ(pair->read(), "meanwhile");
  std::string got = pair->client->read();
  pair->client->send("again");
  EXPECT_EQ(pair->read(), "again") << "and it sends what waits";
  for (std::size_t written = first; written < text.size(); written += result.bytes) {
    result = pair->write(text.substr(written));
    got += pair->client->read();
  }
  got += pair->client->read();
  EXPECT_TRUE(got == text);
}

/// Sends a part of a file, while the client takes `appetite` bytes at a time.
void send_all(TlsPair& pair, int file, std::size_t offset, std::size_t size, std::size_t appetite,
              std::string& got) {
  int idle = 0;
  for (std::size_t sent = 0; sent < size;) {
    const IoResult result = pair.stream->send_file({file, offset + sent, size - sent});
    ASSERT_NE(result.state, State::kFailed);
    ASSERT_LE(result.bytes, size - sent);
    ASSERT_EQ(result.state == State::kBlocked, result.bytes == 0);
    sent += result.bytes;
    idle = result.bytes == 0 ? idle + 1 : 0;
    ASSERT_LT(idle, 100) << "no progress";
    pair.read();  // sends what waits, too
    got += pair.client->read(appetite);
  }
}

TEST_P(TlsBothVersionsTest, FilesArriveThroughANarrowSocket) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{65536}, std::size_t{65537}, std::size_t{700'000}}) {
    for (const std::size_t appetite : {std::size_t{3000}, std::string::npos}) {
      open({.priority = GetParam()});
      make_send_buffer(1);
      const std::string text = pattern(size);
      const UniqueFd file(memory_file("12345" + text));
      std::string got;
      send_all(*pair, file.get(), 5, size, appetite, got);
      got += pair->client->read();
      EXPECT_TRUE(got == text) << size << " bytes, " << appetite << " at a time";
      EXPECT_EQ(pair->write("after").bytes, 5U);
      EXPECT_EQ(pair->client->read(), "after");
    }
  }
}

TEST_P(TlsBothVersionsTest, WhatIsEncryptedIsSentThoughTheFileIsGone) {
  open({.priority = GetParam()});
  make_send_buffer(1);
  const std::string text = pattern(65536);
  const UniqueFd file(memory_file(text));
  std::size_t sent = pair->stream->send_file({file.get(), 0, 200'000}).bytes;
  EXPECT_LT(sent, text.size());
  ASSERT_EQ(::ftruncate(file.get(), 0), 0);
  std::string got;
  IoResult result{State::kDone};
  for (int i = 0; i < 1000 && result.state != State::kFailed; ++i) {
    got += pair->client->read();
    result = pair->stream->send_file({file.get(), sent, 200'000 - sent});
    sent += result.bytes;
  }
  EXPECT_TRUE(result.file_failed);
  EXPECT_TRUE(got + pair->client->read() == text);
}

TEST_F(TlsRecordsTest, AFastReaderDoesNotHoldTheWriterForever) {
  open();
  const int large = 1 << 23;
  ::setsockopt(pair->stream->descriptor(), SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
  std::atomic<bool> done = false;
  std::thread reader([this, &done] {
    std::vector<char> buffer(1 << 20);
    pollfd waiting{pair->client->descriptor(), POLLIN, 0};
    while (!done)
      if (::poll(&waiting, 1, 10) == 1) ::recv(waiting.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  });
  std::string text(5 << 20, 'x');
  IoResult result{State::kBlocked};
  std::size_t offset = 0;
  pollfd room{pair->stream->descriptor(), POLLOUT, 0};
  for (int i = 0; i < 2000 && !result.again; ++i) {
    const iovec piece{text.data() + offset, text.size() - offset};
    result = pair->stream->write(std::span(&piece, 1));
    ASSERT_NE(result.state, State::kFailed);
    offset = (offset + result.bytes) % text.size();
    if (!result.again) ::poll(&room, 1, 1000);
  }
  done = true;
  reader.join();
  EXPECT_TRUE(result.again);
  EXPECT_EQ(result.state, State::kDone);
  EXPECT_EQ(result.bytes, 16U * 64 * 1024);
}

TEST_F(TlsRecordsTest, RenegotiationIsRefusedAndTheConnectionLives) {
  open({.priority = kTls12});
  for (int attempt = 1; attempt <= 3; ++attempt) {
    pair->client->renegotiate();
    EXPECT_FALSE(pair->client->handshake());
    pair->client->deliver();
    EXPECT_EQ(pair->read(), "");
    EXPECT_EQ(pair->result.state, State::kBlocked);
    pair->client->handshake();
    EXPECT_EQ(pair->client->code(), GNUTLS_E_WARNING_ALERT_RECEIVED) << attempt;
    EXPECT_EQ(pair->client->alert(), GNUTLS_A_NO_RENEGOTIATION);
    pair->client->send("still here");
    EXPECT_EQ(pair->read(), "still here") << attempt;
    EXPECT_EQ(pair->write("reply").bytes, 5U);
    EXPECT_EQ(pair->client->read(), "reply");
  }
  pair->client->renegotiate();
  pair->client->handshake();
  pair->client->deliver();
  EXPECT_EQ(pair->read(), "");
  EXPECT_EQ(pair->result.state, State::kFailed) << "the fourth";
}

TEST_F(TlsRecordsTest, RenegotiationBetweenDataLosesNothing) {
  open({.priority = kTls12});
  pair->client->write("before ");
  pair->client->renegotiate();
  pair->client->handshake();
  pair->client->write("after");
  std::string text;
  while (!pair->client->output.empty()) {
    pair->client->deliver(1);
    text += pair->read();
  }
  EXPECT_EQ(text, "before after");
  EXPECT_EQ(pair->result.state, State::kBlocked);
}

TEST_F(TlsRecordsTest, KeysAreUpdatedInTls13) {
  for (const unsigned int flags : {0U, static_cast<unsigned int>(GNUTLS_KU_PEER)}) {
    open({.priority = kTls13});
    for (int i = 0; i < 3; ++i) {
      pair->client->write("old ");
      ASSERT_EQ(::gnutls_session_key_update(pair->client->get(), flags), 0);
      pair->client->write("new");
      pair->client->deliver();
      EXPECT_EQ(pair->read(), "old new");
      EXPECT_EQ(pair->result.state, State::kBlocked);
      EXPECT_EQ(pair->write("reply").bytes, 5U);
      EXPECT_EQ(pair->client->read(), "reply");
    }
  }
}

TEST_F(TlsRecordsTest, AnUpdateOfKeysIsAnsweredThoughAWriteWaits) {
  open({.priority = kTls13});
  make_send_buffer(1);
  const std::string text = pattern(200'000);
  IoResult result = pair->write(text);
  std::size_t written = result.bytes;
  ASSERT_EQ(::gnutls_session_key_update(pair->client->get(), GNUTLS_KU_PEER), 0);
  pair->client->send("new");
  EXPECT_EQ(pair->read(), "new");
  std::string got;
  while (written < text.size()) {
    got += pair->client->read();
    result = pair->write(text.substr(written));
    ASSERT_NE(result.state, State::kFailed);
    written += result.bytes;
  }
  got += pair->client->read();
  EXPECT_TRUE(got == text);
}

}  // namespace
}  // namespace httpd::net
