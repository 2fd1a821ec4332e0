// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/encoder.h"

#include <algorithm>
#include <limits>
#include <new>
#include <zlib.h>
#include <zstd.h>

namespace httpd::server {
namespace {

constexpr int kGzipWindow = MAX_WBITS + 16;  // with gzip's header and check sum (zlib.h)
constexpr int kGzipMemory = 8;               // zlib's own choice

/// 64 KiB: a reader must be ready for 8 MiB (RFC 9659), but with tables to match what an encoder takes would
/// be several times as much, and text of one kind gets hardly shorter.
constexpr int kZstdWindowLog = 16;
constexpr int kZstdTableLog = 15;

class GzipEncoder final : public Encoder {
 public:
  GzipEncoder() = default;
  ~GzipEncoder() override {
    if (ready_) ::deflateEnd(&stream_);
  }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;
  [[nodiscard]] bool init(int level) noexcept {
    ready_ =
        ::deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindow, kGzipMemory, Z_DEFAULT_STRATEGY) == Z_OK;
    return ready_;
  }
  bool begin(std::optional<std::uint64_t> /*size*/) noexcept override {
    return ::deflateReset(&stream_) == Z_OK;
  }
  Progress encode(std::string_view input, std::span<char> output, Flush flush) noexcept override {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const std::size_t offered = std::min(input.size(), kMost);
    const std::size_t room = std::min(output.size(), kMost);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(offered);
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int result = ::deflate(&stream_, flush == Flush::kEnd    ? Z_FINISH
                                           : flush == Flush::kSync ? Z_SYNC_FLUSH
                                                                   : Z_NO_FLUSH);
    Progress progress{offered - stream_.avail_in, room - stream_.avail_out, false, false};
    // Z_BUF_ERROR: there is nothing more to put out, which the last call could not tell.
    progress.failed = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    progress.done = flush == Flush::kEnd ? result == Z_STREAM_END
                                         : progress.consumed == input.size() &&
                                               (flush == Flush::kNone || stream_.avail_out > 0);
    return progress;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder() noexcept : context_(::ZSTD_createCCtx()) {}
  ~ZstdEncoder() override { ::ZSTD_freeCCtx(context_); }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ZstdEncoder& operator=(const ZstdEncoder&) = delete;
  [[nodiscard]] bool init(int level) noexcept {
    return context_ != nullptr && set(ZSTD_c_compressionLevel, level) &&
           set(ZSTD_c_windowLog, kZstdWindowLog) && set(ZSTD_c_hashLog, kZstdTableLog) &&
           set(ZSTD_c_chainLog, kZstdTableLog);
  }
  bool begin(std::optional<std::uint64_t> size) noexcept override {
    if (::ZSTD_isError(::ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) != 0 ||
        ::ZSTD_isError(::ZSTD_CCtx_setPledgedSrcSize(context_, size.value_or(ZSTD_CONTENTSIZE_UNKNOWN))) != 0)
      return false;
    // Memory is taken with the first call: now, while a want of it does no harm.
    char nothing = 0;
    ZSTD_inBuffer in{&nothing, 0, 0};
    ZSTD_outBuffer out{&nothing, 0, 0};
    return ::ZSTD_isError(::ZSTD_compressStream2(context_, &out, &in, ZSTD_e_continue)) == 0;
  }
  Progress encode(std::string_view input, std::span<char> output, Flush flush) noexcept override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t left = ::ZSTD_compressStream2(context_, &out, &in,
                                                    flush == Flush::kEnd    ? ZSTD_e_end
                                                    : flush == Flush::kSync ? ZSTD_e_flush
                                                                            : ZSTD_e_continue);
    if (::ZSTD_isError(left) != 0) return {in.pos, out.pos, false, true};
    return {in.pos, out.pos, in.pos == input.size() && (flush == Flush::kNone || left == 0), false};
  }

 private:
  [[nodiscard]] bool set(ZSTD_cParameter parameter, int value) noexcept {
    return ::ZSTD_isError(::ZSTD_CCtx_setParameter(context_, parameter, value)) == 0;
  }
  ZSTD_CCtx* context_;
};

template <typename Kind>
std::unique_ptr<Encoder> make(int level) noexcept {
  std::unique_ptr<Kind> encoder(new (std::nothrow) Kind);
  if (encoder == nullptr || !encoder->init(level)) return nullptr;
  return encoder;
}

}  // namespace

std::unique_ptr<Encoder> make_encoder(http::ContentCoding coding, int level) noexcept {
  return coding == http::ContentCoding::kZstd ? make<ZstdEncoder>(level) : make<GzipEncoder>(level);
}

}  // namespace httpd::server
