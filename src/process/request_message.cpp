// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/request_message.h"

#include <array>
#include <cstring>

namespace httpd::process {
namespace {

/// The texts of a TLS session, in the order in which they travel.
constexpr std::array kTlsTexts{&TlsSession::version,           &TlsSession::cipher_suite,
                               &TlsSession::server_name,       &TlsSession::client_subject,
                               &TlsSession::client_issuer,     &TlsSession::client_serial,
                               &TlsSession::client_fingerprint};

void append_text(std::string_view text, std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  bytes.append(text);
}

std::optional<std::string_view> take_text(std::string_view& bytes) noexcept {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  if (bytes.size() < size) return std::nullopt;
  const std::string_view text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return text;
}

void append_address(const net::Address& address, std::string& bytes) {
  append_text({reinterpret_cast<const char*>(&address.get()), address.size()}, bytes);
}

std::optional<net::Address> take_address(std::string_view& bytes) noexcept {
  const std::optional<std::string_view> text = take_text(bytes);
  sockaddr_storage storage{};
  if (!text || text->size() > sizeof storage) return std::nullopt;
  std::memcpy(&storage, text->data(), text->size());
  return net::Address(reinterpret_cast<const sockaddr&>(storage), static_cast<socklen_t>(text->size()));
}

}  // namespace

void append_origin(const Origin& origin, std::string& bytes) {
  append_address(origin.client, bytes);
  append_address(origin.server, bytes);
  append_text(origin.user, bytes);
  append_text(origin.request_id, bytes);
  if (origin.tls == nullptr) return;
  for (const auto text : kTlsTexts)
    append_text((*origin.tls).*text, bytes);
}

std::optional<Origin> read_origin(std::string_view bytes) {
  const std::optional<net::Address> client = take_address(bytes);
  const std::optional<net::Address> server = client ? take_address(bytes) : std::nullopt;
  const std::optional<std::string_view> user = server ? take_text(bytes) : std::nullopt;
  const std::optional<std::string_view> request_id = user ? take_text(bytes) : std::nullopt;
  if (!request_id) return std::nullopt;
  Origin origin{*client, *server, std::string(*user), std::string(*request_id), nullptr};
  if (bytes.empty()) return origin;
  auto tls = std::make_shared<TlsSession>();
  for (const auto text : kTlsTexts) {
    const std::optional<std::string_view> value = take_text(bytes);
    if (!value) return std::nullopt;
    (*tls).*text = *value;
  }
  if (!bytes.empty()) return std::nullopt;
  origin.tls = std::move(tls);
  return origin;
}

Outgoing request_message(std::uint64_t id, const server::Exchange& request, std::string& origin_bytes) {
  origin_bytes.clear();
  append_origin({request.client_address(), request.server_address(), std::string(request.user()),
                 request.request_id(), request.tls_session()},
                origin_bytes);
  const std::string_view head = request.parser().head_text();
  const std::string_view body = request.body();
  Outgoing message;
  message.header.kind = Header::Kind::kRequest;
  message.header.id = id;
  message.header.sizes = {static_cast<std::uint32_t>(origin_bytes.size()),
                          static_cast<std::uint32_t>(head.size())};
  message.parts = {origin_bytes, head, {}};
  if (const net::SpillFile& spilled = request.spilled_body(); spilled.size() != 0) {
    message.header.body = Header::Body::kInFile;
    message.header.body_size = spilled.size();
    message.file = spilled.descriptor();
  } else {
    message.header.body_size = body.size() + 1;  // with the NUL behind it
    message.parts[2] = {body.data(), body.size() + 1};
  }
  return message;
}

std::optional<RequestParts> request_parts(const Header& header, std::string_view payload,
                                          std::string_view body_file) noexcept {
  const std::uint64_t origin = header.sizes[0];
  const std::uint64_t head = header.sizes[1];
  const bool apart = header.body == Header::Body::kInFile;
  const std::uint64_t here = apart ? 0 : header.body_size;
  if (header.body_size == 0 || here > payload.size() || origin + head != payload.size() - here ||
      (apart && body_file.size() != header.body_size))
    return std::nullopt;
  const std::string_view body = apart ? body_file : payload.substr(origin + head);
  return RequestParts{payload.substr(0, origin), payload.substr(origin, head),
                      body.substr(0, body.size() - 1)};
}

}  // namespace httpd::process
