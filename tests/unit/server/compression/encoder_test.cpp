// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/encoder.h"

#include <gtest/gtest.h>
#include <string>

#include "../../memory_file.h"
#include "decode.h"
#include "server/compression/compression_settings.h"

namespace httpd::server {
namespace {

using Flush = Encoder::Flush;

/// Encodes with so much input and so much room at a time.
std::string encode(Encoder& encoder, std::string_view text, std::size_t step, std::size_t room, Flush flush) {
  std::string coded;
  std::string buffer(room, '\0');
  for (;;) {
    const std::string_view piece = text.substr(0, step);
    const bool last = piece.size() == text.size();
    const Encoder::Progress progress = encoder.encode(piece, buffer, last ? flush : Flush::kNone);
    EXPECT_FALSE(progress.failed);
    coded.append(buffer, 0, progress.produced);
    text.remove_prefix(progress.consumed);
    if (progress.failed || (last && progress.done)) return coded;
  }
}

TEST(Encoder, ComesBackWholeInWhateverPieces) {
  const std::string text = numbered_lines(40'000);
  for (const http::ContentCoding coding : kCodings)
    for (const int level : {1, CompressionSettings::kMaxLevel})
      for (const std::size_t step :
           {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{1} << 20U})
        for (const std::size_t room : {Encoder::kLeastRoom, std::size_t{50}, std::size_t{32768}}) {
          const std::unique_ptr<Encoder> encoder = make_encoder(coding, level);
          ASSERT_TRUE(encoder->begin(std::nullopt));
          const Decoded got = decode(coding, encode(*encoder, text, step, room, Flush::kEnd));
          EXPECT_TRUE(got.complete);
          EXPECT_EQ(got.text, text);
        }
}

TEST(Encoder, IsUsedAgainWhateverBecameOfTheBodyBefore) {
  const std::string text = numbered_lines(10'000);
  for (const http::ContentCoding coding : kCodings) {
    const std::unique_ptr<Encoder> encoder = make_encoder(coding, 4);
    ASSERT_TRUE(encoder->begin(100'000));
    char little[10];
    EXPECT_FALSE(encoder->encode(text, little, Flush::kSync).failed);
    ASSERT_TRUE(encoder->begin(text.size()));
    const std::string first = encode(*encoder, text, text.size(), 1 << 16, Flush::kEnd);
    ASSERT_TRUE(encoder->begin(text.size()));
    EXPECT_EQ(encode(*encoder, text, text.size(), 1 << 16, Flush::kEnd), first);
    EXPECT_EQ(decode(coding, first).text, text);
  }
}

TEST(Encoder, WhatIsFlushedCanBeRead) {
  for (const http::ContentCoding coding : kCodings)
    for (const std::size_t room : {Encoder::kLeastRoom, Encoder::kLeastRoom + 1, std::size_t{4096}}) {
      const std::unique_ptr<Encoder> encoder = make_encoder(coding, 4);
      ASSERT_TRUE(encoder->begin(std::nullopt));
      std::string coded = encode(*encoder, "one", 3, room, Flush::kSync);
      EXPECT_EQ(decode(coding, coded).text, "one");
      coded += encode(*encoder, "two", 1, room, Flush::kSync);
      EXPECT_EQ(decode(coding, coded).text, "onetwo");
      EXPECT_FALSE(decode(coding, coded).complete);
      coded += encode(*encoder, "", 1, room, Flush::kEnd);
      EXPECT_TRUE(decode(coding, coded).complete);
    }
}

}  // namespace
}  // namespace httpd::server
