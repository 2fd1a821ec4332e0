// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/compressed_body.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <vector>

#include "../../memory_file.h"
#include "decode.h"

namespace httpd::server {
namespace {

using http::ContentCoding;

/// Answers what it is told to, and counts how often it is asked.
class Script final : public BodySource {
 public:
  struct Word {
    std::ptrdiff_t answer;  // of a text: 0
    std::string text;
    bool wakes = false;  // from inside read()
  };
  Script(std::vector<Word> words, int& asked, bool& alive)
      : words_(std::move(words)), asked_(asked), alive_(alive) {
    alive_ = true;
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() override {
    wake();
    alive_ = false;
  }
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
    ++asked_;
    EXPECT_EQ(position, given_);
    if (next_ == words_.size()) throw std::logic_error("asked beyond its end");
    Word& word = words_[next_];
    if (word.wakes) wake();
    if (word.text.empty()) {
      ++next_;
      return word.answer;
    }
    const std::size_t count = word.text.copy(buffer, size);
    word.text.erase(0, count);
    if (word.text.empty()) ++next_;
    given_ += count;
    return static_cast<std::ptrdiff_t>(count);
  }

 private:
  std::vector<Word> words_;
  int& asked_;
  bool& alive_;
  std::size_t next_ = 0;
  std::uint64_t given_ = 0;
};

struct CountingWaker final : BodySource::Waker {
  void on_wake() noexcept override { ++count; }
  int count = 0;
};

class CompressedBodyTest : public ::testing::TestWithParam<ContentCoding> {
 protected:
  std::unique_ptr<CompressedBody> make(CompressedBody::Original original) {
    std::unique_ptr<Encoder> encoder = make_encoder(GetParam(), 4);
    EXPECT_TRUE(encoder->begin(std::nullopt));
    auto body = std::make_unique<CompressedBody>(turns, std::move(encoder));
    body->take(std::move(original));
    body->woken_through(&waker);
    return body;
  }
  std::unique_ptr<CompressedBody> make_script(std::vector<Script::Word> words) {
    return make(std::unique_ptr<BodySource>(std::make_unique<Script>(std::move(words), asked, alive)));
  }
  /// Reads as a connection does until it would have to wait for the original, and returns the answer.
  std::ptrdiff_t pull(BodySource& body, std::string& coded, std::size_t window) {
    std::string buffer(window, '\0');
    for (;;) {
      waker.count = 0;
      const std::ptrdiff_t answer = body.read(coded.size(), buffer.data(), window);
      EXPECT_LE(answer, static_cast<std::ptrdiff_t>(window));
      if (answer > 0) {
        coded.append(buffer, 0, static_cast<std::size_t>(answer));
        continue;
      }
      if (answer != BodySource::kWait) return answer;
      loop.run_once();
      if (waker.count == 0) return answer;
    }
  }
  Decoded decoded(std::string_view coded) { return decode(GetParam(), coded); }

  net::EventLoop loop;
  Statistics statistics;
  StreamTurns turns{loop, statistics};
  CountingWaker waker;
  int asked = 0;
  bool alive = false;
};

INSTANTIATE_TEST_SUITE_P(Codings, CompressedBodyTest, ::testing::ValuesIn(kCodings),
                         [](const auto& info) { return std::string(http::coding_name(info.param)); });

int released = 0;
void release(void* /*context*/) noexcept {
  ++released;
}

TEST_P(CompressedBodyTest, EveryKindOfBodyIsWholeWhateverTheWindow) {
  const std::string text = numbered_lines(300'000);
  for (const std::size_t window :
       {Encoder::kLeastRoom, Encoder::kLeastRoom + 7, std::size_t{1000}, std::size_t{32768}})
    for (int kind = 0; kind < 4; ++kind) {
      released = 0;
      std::unique_ptr<CompressedBody> body =
          kind == 0   ? make(text)
          : kind == 1 ? make(LentBytes(text.data(), text.size(), release, nullptr))
          : kind == 2 ? make(FileBody(memory_file("before" + text), 6, text.size()))
                      : make_script({{0, text.substr(0, 1)}, {0, text.substr(1)}, {BodySource::kEnd, ""}});
      std::string coded;
      EXPECT_EQ(pull(*body, coded, window), BodySource::kEnd);
      EXPECT_LT(coded.size(), text.size() / 2);
      const Decoded got = decoded(coded);
      EXPECT_TRUE(got.complete && got.text == text) << "kind " << kind << ", window " << window;
      EXPECT_EQ(pull(*body, coded, window), BodySource::kEnd) << "and stays there";
      body.reset();
      EXPECT_EQ(released, kind == 1 ? 1 : 0);
    }
  EXPECT_EQ(statistics.value(Statistics::kCompressionBytesIn), 16U * text.size());
  EXPECT_EQ(turns.streams(), 0U);
}

TEST_P(CompressedBodyTest, WhatCannotBeCompressedIsWholeToo) {
  std::string noise(300'000, '\0');
  std::minstd_rand random(1);
  for (char& byte : noise)
    byte = static_cast<char>(random());
  for (const std::size_t window : {std::size_t{100}, std::size_t{32768}}) {
    const auto body = make_script({{0, noise}, {BodySource::kEnd, ""}});
    std::string coded;
    EXPECT_EQ(pull(*body, coded, window), BodySource::kEnd);
    EXPECT_TRUE(decoded(coded).complete);
    EXPECT_EQ(decoded(coded).text, noise);
  }
}

TEST_P(CompressedBodyTest, APieceIsATurnsAndNoMore) {
  const std::string text(64U << 20U, 'x');
  const auto body = make(LentBytes(text.data(), text.size(), release, nullptr));
  std::string buffer(32768, '\0');
  std::string coded;
  std::uint64_t before = 0;
  for (;;) {
    const std::ptrdiff_t answer = body->read(0, buffer.data(), buffer.size());
    const std::uint64_t now = statistics.value(Statistics::kCompressionBytesIn);
    ASSERT_LE(now - before, 64U * 1024) << "bytes of the original in one call";
    before = now;
    if (answer == BodySource::kEnd) break;
    if (answer == BodySource::kWait) {
      ASSERT_EQ(body->read(0, buffer.data(), buffer.size()), BodySource::kWait) << "its turn is yet to come";
      ASSERT_EQ(statistics.value(Statistics::kCompressionBytesIn), before);
      waker.count = 0;
      loop.run_once();
      ASSERT_EQ(waker.count, 1);
      continue;
    }
    ASSERT_GT(answer, 0);
    coded.append(buffer, 0, static_cast<std::size_t>(answer));
  }
  EXPECT_TRUE(decoded(coded).text == text);
}

TEST_P(CompressedBodyTest, ManyHaveOneTurnEachOneAfterTheOther) {
  std::vector<std::unique_ptr<CompressedBody>> bodies;
  std::vector<CountingWaker> wakers(5);
  std::string buffer(32768, '\0');
  for (CountingWaker& each : wakers) {
    bodies.push_back(make(numbered_lines(1 << 20)));
    bodies.back()->woken_through(&each);
    static_cast<void>(bodies.back()->read(0, buffer.data(), buffer.size()));
    static_cast<void>(bodies.back()->read(0, buffer.data(), buffer.size()));
  }
  EXPECT_EQ(turns.streams(), 5U);
  bodies[1].reset();  // who leaves, leaves the queue
  for (const std::size_t next : {0U, 2U, 3U, 4U}) {
    loop.run_once();
    for (std::size_t i = 0; i < wakers.size(); ++i)
      EXPECT_EQ(wakers[i].count, i == next ? 1 : 0) << i << " in the turn of " << next;
    wakers[next].count = 0;
  }
  loop.run_once();
  EXPECT_TRUE(std::ranges::all_of(wakers, [](const CountingWaker& each) { return each.count == 0; }));
}

TEST_P(CompressedBodyTest, WhatCameIsFlushedBeforeAPause) {
  for (const std::ptrdiff_t pause : {std::ptrdiff_t{BodySource::kWait}, std::ptrdiff_t{BodySource::kLater}})
    for (const std::size_t window : {Encoder::kLeastRoom, std::size_t{32768}}) {
      asked = 0;
      const auto body = make_script({{pause, ""},
                                     {0, "one"},
                                     {0, "two"},
                                     {pause, ""},
                                     {pause, ""},
                                     {0, "three"},
                                     {BodySource::kEnd, ""}});
      std::string coded;
      EXPECT_EQ(pull(*body, coded, window), pause);
      EXPECT_EQ(coded, "") << "nothing to flush";
      EXPECT_EQ(asked, 1);
      EXPECT_EQ(pull(*body, coded, window), pause);
      EXPECT_EQ(decoded(coded).text, "onetwo");
      EXPECT_EQ(asked, 4) << "not asked again before it has woken or the time has come";
      const std::size_t size = coded.size();
      EXPECT_EQ(pull(*body, coded, window), pause);
      EXPECT_EQ(coded.size(), size) << "what is flushed is not flushed again";
      EXPECT_EQ(pull(*body, coded, window), BodySource::kEnd);
      EXPECT_EQ(decoded(coded).text, "onetwothree");
      EXPECT_TRUE(decoded(coded).complete);
    }
}

TEST_P(CompressedBodyTest, AFlushThatNeedsSeveralReadsComesBeforeThePause) {
  std::string noise(2000, '\0');
  std::minstd_rand random(1);
  for (char& byte : noise)
    byte = static_cast<char>(random());
  for (const std::ptrdiff_t pause : {std::ptrdiff_t{BodySource::kWait}, std::ptrdiff_t{BodySource::kLater}}) {
    asked = 0;
    const auto body = make_script({{0, noise}, {pause, ""}, {BodySource::kEnd, ""}});
    std::string coded;
    EXPECT_EQ(pull(*body, coded, 100), pause);
    EXPECT_EQ(decoded(coded).text, noise);
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(pull(*body, coded, 100), BodySource::kEnd);
    EXPECT_TRUE(decoded(coded).complete);
  }
}

TEST_P(CompressedBodyTest, WakingReachesWhoPulls) {
  std::unique_ptr<BodySource> script = std::make_unique<Script>(
      std::vector<Script::Word>{{0, "one"}, {BodySource::kWait, ""}, {0, "two"}, {BodySource::kEnd, ""}},
      asked, alive);
  BodySource& original = *script;
  const auto body = make(std::move(script));
  std::string buffer(4096, '\0');
  const std::ptrdiff_t count = body->read(0, buffer.data(), buffer.size());
  ASSERT_GT(count, 0);
  std::string coded(buffer, 0, static_cast<std::size_t>(count));
  EXPECT_EQ(waker.count, 0);
  original.wake();  // before the pause is passed on: it is over then
  EXPECT_EQ(waker.count, 1);
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kEnd);
  EXPECT_EQ(decoded(coded).text, "onetwo");
}

TEST_P(CompressedBodyTest, AWakeFromInsideReadIsNotLost) {
  const auto body =
      make_script({{0, "one"}, {BodySource::kWait, "", true}, {0, "two"}, {BodySource::kEnd, ""}});
  std::string coded;
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kEnd);
  EXPECT_EQ(decoded(coded).text, "onetwo");
}

TEST_P(CompressedBodyTest, ABrokenOriginalIsBrokenBehindWhatItGave) {
  const auto body = make_script({{0, "one"}, {BodySource::kBroken, ""}});
  std::string coded;
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kBroken);
  EXPECT_EQ(decoded(coded).text, "one");
  EXPECT_FALSE(decoded(coded).complete);
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kBroken) << "and is not asked again";
  const auto at_once = make_script({{BodySource::kBroken, ""}});
  char room[Encoder::kLeastRoom];
  EXPECT_EQ(at_once->read(0, room, sizeof room), BodySource::kBroken) << "with its first word";
  const auto nonsense = make_script({{-4, ""}});
  EXPECT_EQ(nonsense->read(0, room, sizeof room), BodySource::kBroken);
  const auto greedy = make_script({{1 << 20, ""}});
  EXPECT_EQ(greedy->read(0, room, sizeof room), BodySource::kBroken) << "more than there was room for";
}

TEST_P(CompressedBodyTest, WhatTheOriginalThrowsComesThrough) {
  const auto body = make_script({});
  char room[Encoder::kLeastRoom];
  EXPECT_THROW(static_cast<void>(body->read(0, room, sizeof room)), std::logic_error);
}

TEST_P(CompressedBodyTest, AnEmptyStreamIsAnEmptyBody) {
  const auto body = make_script({{BodySource::kEnd, ""}});
  std::string coded;
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kEnd);
  EXPECT_TRUE(decoded(coded).complete);
  EXPECT_EQ(decoded(coded).text, "");
}

TEST_P(CompressedBodyTest, AFileThatBecameShorterIsBroken) {
  const std::string text = numbered_lines(100'000);
  const auto body = make(FileBody(memory_file(text), 0, text.size() + 1));
  std::string coded;
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kBroken);
  EXPECT_FALSE(decoded(coded).complete);
}

TEST_P(CompressedBodyTest, TheOriginalGoesWithIt) {
  auto body = make_script({{0, "one"}, {BodySource::kWait, ""}});
  std::string coded;
  EXPECT_EQ(pull(*body, coded, 4096), BodySource::kWait);
  EXPECT_TRUE(alive);
  waker.count = 0;
  body->woken_through(nullptr);
  body.reset();
  EXPECT_FALSE(alive);
  EXPECT_EQ(waker.count, 0) << "what its destructor does is no news";
  EXPECT_EQ(turns.streams(), 0U);
}

TEST_P(CompressedBodyTest, ALenderGetsItsMemoryBackInTheMiddle) {
  std::string text = numbered_lines(2 << 20);
  const std::string copy = text;
  LentBytes::Borrower* borrower = nullptr;
  released = 0;
  const auto body = make(LentBytes(text.data(), text.size(), release, nullptr, &borrower));
  ASSERT_NE(borrower, nullptr);
  std::string buffer(1000, '\0');
  const std::ptrdiff_t count = body->read(0, buffer.data(), buffer.size());
  std::string coded(buffer, 0, static_cast<std::size_t>(std::max<std::ptrdiff_t>(count, 0)));
  borrower->give_back();
  EXPECT_EQ(released, 1);
  EXPECT_EQ(borrower, nullptr);
  text.assign(text.size(), '!');
  EXPECT_EQ(pull(*body, coded, 32768), BodySource::kEnd);
  EXPECT_TRUE(decoded(coded).complete && decoded(coded).text == copy);
}

}  // namespace
}  // namespace httpd::server
