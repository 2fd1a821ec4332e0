// Fuzz target: the PROXY header. SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/proxy_header.h"
#include "require.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using httpd::fuzz::require;
  using httpd::net::ProxyHeader;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = httpd::net::parse_proxy_header(bytes);
  // What a beginning is told stays true: only "more" may become something else.
  for (std::size_t part = 0; part < size && part < httpd::net::kMaxProxyHeader; ++part) {
    const ProxyHeader header = httpd::net::parse_proxy_header(bytes.substr(0, part));
    if (header.state == ProxyHeader::State::kMore) continue;
    require(header.state == whole.state);
    require(header.size == whole.size || header.state == ProxyHeader::State::kMalformed);
    break;
  }
  if (whole.state == ProxyHeader::State::kComplete) {
    require(whole.size > 0 && whole.size <= size && whole.size <= httpd::net::kMaxProxyHeader);
    require(httpd::net::parse_proxy_header(bytes.substr(0, whole.size)).state ==
            ProxyHeader::State::kComplete);
    require(httpd::net::parse_proxy_header(bytes.substr(0, whole.size - 1)).state ==
            ProxyHeader::State::kMore);
    require(!whole.client.text().empty());
  }
  return 0;
}
