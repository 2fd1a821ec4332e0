// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/compression.h"

#include <algorithm>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "http/coded_reply.h"
#include "net/stream.h"
#include "server/compression/compressed_body.h"

namespace httpd::server {
namespace {

/// What is encoded in one go. Text made for it keeps gzip's highest level busy for half of what a
/// connection's turn may take.
constexpr std::size_t kShort = 32 * 1024;

/// Nothing for a stream.
std::optional<std::uint64_t> size_of(const Exchange::Body& body) {
  if (const auto* const view = std::get_if<std::string_view>(&body)) return view->size();
  if (const auto* const text = std::get_if<std::string>(&body)) return text->size();
  if (const auto* const lent = std::get_if<LentBytes>(&body)) return lent->view().size();
  if (const auto* const file = std::get_if<FileBody>(&body)) return file->size();
  return std::nullopt;
}

/// The bytes of a short body; those of a file in `room`. Nothing where the file does not have them.
std::optional<std::string_view> bytes_of(const Exchange::Body& body, std::span<char> room) {
  if (const auto* const view = std::get_if<std::string_view>(&body)) return *view;
  if (const auto* const text = std::get_if<std::string>(&body)) return *text;
  if (const auto* const lent = std::get_if<LentBytes>(&body)) return lent->view();
  const auto& file = std::get<FileBody>(body);
  if (!net::read_file({file.descriptor(), file.offset(), file.size()}, room.data())) return std::nullopt;
  return std::string_view(room.data(), static_cast<std::size_t>(file.size()));
}

/// The body for a stream, which leaves the reply without one. Throws std::bad_alloc, and has taken nothing
/// then.
CompressedBody::Original take_body(Exchange::Body& body) {
  if (const auto* const view = std::get_if<std::string_view>(&body)) return std::string(*view);
  if (auto* const text = std::get_if<std::string>(&body)) return std::move(*text);
  if (auto* const lent = std::get_if<LentBytes>(&body)) return std::move(*lent);
  if (auto* const file = std::get_if<FileBody>(&body)) return std::move(*file);
  return std::move(std::get<std::unique_ptr<BodySource>>(body));
}

/// What `bytes` become in `room`; 0 when that is no gain.
std::size_t encode(Encoder& encoder, std::string_view bytes, std::span<char> room) noexcept {
  if (room.size() < Encoder::kLeastRoom || !encoder.begin(bytes.size())) return 0;
  const Encoder::Progress progress = encoder.encode(bytes, room, Encoder::Flush::kEnd);
  return progress.done ? progress.produced : 0;
}

}  // namespace

Compression::Compression(const CompressionSettings& settings, const Router& router, net::EventLoop& loop,
                         Statistics& statistics)
    : settings_(settings),
      loop_(loop),
      statistics_(statistics),
      consents_(consents(settings, router)),
      turns_(loop, statistics) {}

std::vector<bool> Compression::consents(const CompressionSettings& settings, const Router& router) {
  std::vector<bool> consents;
  if (settings.min_size == 0) return consents;
  for (const Route& route : router.routes())
    consents.push_back(settings.every_root || route.handler->may_be_compressed() ||
                       std::ranges::find(settings.roots, route.root) != settings.roots.end());
  if (std::ranges::find(consents, true) == consents.end()) consents.clear();
  return consents;
}

void Compression::change(std::vector<bool>& consents) noexcept {
  consents_.swap(consents);
  gzip_.reset();  // they have the level of before
  zstd_.reset();
}

Encoder* Compression::encoder(http::ContentCoding coding) noexcept {
  std::unique_ptr<Encoder>& kept = coding == http::ContentCoding::kZstd ? zstd_ : gzip_;
  if (kept == nullptr) kept = make_encoder(coding, settings_.level);
  return kept.get();
}

/// Whether some client would get the reply compressed.
bool Compression::may_be_coded(Exchange& exchange, std::optional<std::uint64_t> size) const {
  const int status = exchange.status();
  if (status < 200 || status > 299 || status == 204 || status == 205 || status == 206) return false;
  return (!size || *size >= settings_.min_size) && http::is_compressible(exchange.content_type()) &&
         !http::forbids_coding(exchange.reply_fields());
}

Compression::Length Compression::treat(Exchange& exchange) {
  std::string& fields = exchange.reply_fields();
  const http::RequestHead& request = exchange.parser().head();
  // RFC 9110 sections 15.3.7 and 15.4.5: what a 200 would say. What type that has a 304 does not know.
  const bool of_another = exchange.status() == 206 || exchange.status() == 304;
  const std::optional<std::uint64_t> size = size_of(exchange.reply_body());
  if (!of_another && !may_be_coded(exchange, size)) return Length::kKnown;
  http::add_vary(fields);
  const http::ContentCoding coding = http::choose_coding(request.fields);
  if (coding == http::ContentCoding::kIdentity) return Length::kKnown;
  if (of_another) {
    if (exchange.status() == 304 && http::has_coded_body(request.fields, fields))
      http::weaken_entity_tag(fields);
    return Length::kKnown;
  }
  const bool is_short = size && *size <= kShort;
  // Its end would be the connection's, and the client could not tell it from a broken one.
  if (!is_short && request.http_1_0) return Length::kKnown;
  if (exchange.is_head()) {
    http::apply_coding(coding, fields);
    if (is_short) return Length::kUnknown;
    exchange.reply_body() = std::unique_ptr<BodySource>();
  } else if (is_short) {
    compress_at_once(exchange, coding);
  } else if (turns_.streams() < settings_.max_streams) {
    compress_as_stream(exchange, coding, size);
  }
  return Length::kKnown;
}

void Compression::compress_at_once(Exchange& exchange, http::ContentCoding coding) {
  Encoder* const encoder = this->encoder(coding);
  if (encoder == nullptr) return;
  room_.resize(2 * kShort);
  const std::span<char> room(room_);
  const std::optional<std::string_view> bytes = bytes_of(exchange.reply_body(), room.first(kShort));
  if (!bytes) return;  // which the reply that is sent as it is finds out, too
  const std::size_t coded = encode(*encoder, *bytes, room.subspan(kShort, bytes->size() - 1));
  loop_.refresh_time();
  if (coded == 0) return;
  statistics_.add(Statistics::kCompressedReplies);
  statistics_.add(Statistics::kCompressionBytesIn, bytes->size());
  statistics_.add(Statistics::kCompressionBytesOut, coded);
  http::apply_coding(coding, exchange.reply_fields());
  exchange.reply_body() = std::string_view(room.data() + kShort, coded);
}

/// Where there is no memory for it the reply stays as it is.
void Compression::compress_as_stream(Exchange& exchange, http::ContentCoding coding,
                                     std::optional<std::uint64_t> size) {
  std::unique_ptr<Encoder> encoder = make_encoder(coding, settings_.level);
  if (encoder == nullptr || !encoder->begin(size)) return;
  try {
    // What may fail comes before the reply is touched.
    std::string fields = exchange.reply_fields();
    http::apply_coding(coding, fields);
    auto compressed = std::make_unique<CompressedBody>(turns_, std::move(encoder));
    compressed->take(take_body(exchange.reply_body()));
    exchange.reply_body() = std::move(compressed);
    exchange.reply_fields().swap(fields);
  } catch (const std::bad_alloc&) {
    return;
  }
  statistics_.add(Statistics::kCompressedReplies);
}

}  // namespace httpd::server
