// The way back from a content coding, with the decoders of the libraries.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <zlib.h>
#include <zstd.h>

#include "http/accept_encoding.h"

namespace httpd::server {

/// What `coded` stands for, as far as it goes.
struct Decoded {
  std::string text;
  bool complete = false;  ///< the end was there, and nothing behind it
};

inline Decoded decode_gzip(std::string_view coded) {
  Decoded result;
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
  stream.avail_in = static_cast<uInt>(coded.size());
  int state = Z_OK;
  while (state == Z_OK) {
    char buffer[4096];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = ::inflate(&stream, Z_SYNC_FLUSH);
    result.text.append(buffer, sizeof buffer - stream.avail_out);
  }
  EXPECT_TRUE(state == Z_STREAM_END || state == Z_BUF_ERROR) << state;
  result.complete = state == Z_STREAM_END && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return result;
}

inline Decoded decode_zstd(std::string_view coded) {
  Decoded result;
  ZSTD_DStream* const stream = ::ZSTD_createDStream();
  ZSTD_inBuffer in{coded.data(), coded.size(), 0};
  std::size_t state = 1;
  bool more = !coded.empty();
  while (more) {
    char buffer[4096];
    ZSTD_outBuffer out{buffer, sizeof buffer, 0};
    state = ::ZSTD_decompressStream(stream, &out, &in);
    if (::ZSTD_isError(state) != 0) {
      ADD_FAILURE() << ::ZSTD_getErrorName(state);
      break;
    }
    result.text.append(buffer, out.pos);
    more = state != 0 && (in.pos < in.size || out.pos == sizeof buffer);
  }
  result.complete = state == 0 && in.pos == in.size;
  ::ZSTD_freeDStream(stream);
  return result;
}

inline Decoded decode(http::ContentCoding coding, std::string_view coded) {
  return coding == http::ContentCoding::kZstd ? decode_zstd(coded) : decode_gzip(coded);
}

inline constexpr http::ContentCoding kCodings[] = {http::ContentCoding::kGzip, http::ContentCoding::kZstd};

}  // namespace httpd::server
