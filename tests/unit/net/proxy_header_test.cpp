// Tests of both versions of the PROXY protocol. SPDX-License-Identifier: GPL-2.0-or-later
#include "net/proxy_header.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::net {
namespace {

using State = ProxyHeader::State;
using namespace std::string_literals;

const std::string kBegin2("\r\n\r\n\0\r\nQUIT\n", 12);

/// A header of version 2 with this command and family; `rest` is what its length counts.
std::string binary(char command, char family, const std::string& rest) {
  return kBegin2 + command + family + static_cast<char>(rest.size() >> 8U) + static_cast<char>(rest.size()) +
         rest;
}

const std::string kTcp4 =
    "\xC0\x00\x02\x01\xC6\x33\x64\x02\x12\x67\x22\xB8"s;  // 192.0.2.1:4711 -> 198.51.100.2:8888

std::string tcp6() {
  std::string bytes = "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x01"s;
  bytes += "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x02"s;
  return bytes + "\x12\x67\x22\xB8"s;
}

void expect_every_beginning_wants_more(const std::string& header) {
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_EQ(parse_proxy_header(header.substr(0, size)).state, State::kMore) << size;
}

void expect(const std::string& header, const std::string& client, const std::string& server) {
  expect_every_beginning_wants_more(header);
  const ProxyHeader parsed = parse_proxy_header(header + "GET / HTTP/1.1\r\n");
  ASSERT_EQ(parsed.state, State::kComplete) << header;
  EXPECT_EQ(parsed.size, header.size());
  EXPECT_EQ(parsed.client.text(), client);
  EXPECT_EQ(parsed.server.text(), server);
}

TEST(ProxyHeaderTest, ReadsLines) {
  expect("PROXY TCP4 192.0.2.1 198.51.100.2 4711 8888\r\n", "192.0.2.1:4711", "198.51.100.2:8888");
  expect("PROXY TCP6 2001:db8::1 2001:db8::2 4711 8888\r\n", "[2001:db8::1]:4711", "[2001:db8::2]:8888");
  expect("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535",
         "255.255.255.255:65535");
  expect("PROXY TCP6 ::ffff:192.0.2.1 ::1 0 1\r\n", "192.0.2.1:0", "[::1]:1");
  expect("PROXY UNKNOWN\r\n", "unknown", "unknown");
  expect("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "unknown", "unknown");
}

TEST(ProxyHeaderTest, RefusesOtherLines) {
  for (const char* const line : {"PROXY \r\n",
                                 "PROXY TCP4\r\n",
                                 "PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n",
                                 "PROXY TCP4 192.0.2.1 198.51.100.2 4711 8888 \r\n",
                                 "PROXY TCP4 192.0.2.1 198.51.100.2 4711 8888 9\r\n",
                                 "PROXY TCP4  192.0.2.1 198.51.100.2 4711 8888\r\n",
                                 "PROXY TCP4 192.0.2.1 198.51.100.2 04711 8888\r\n",
                                 "PROXY TCP4 192.0.2.1 198.51.100.2 65536 8888\r\n",
                                 "PROXY TCP4 192.0.2.1 198.51.100.2 -1 8888\r\n",
                                 "PROXY TCP4 192.0.2.256 198.51.100.2 4711 8888\r\n",
                                 "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
                                 "PROXY TCP6 192.0.2.1 198.51.100.2 4711 8888\r\n",
                                 "PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n",
                                 "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n",
                                 "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n",
                                 "GET / HTTP/1.1\r\n",
                                 "\x16\x03\x01",
                                 "PROXIMITY",
                                 " PROXY UNKNOWN\r\n",
                                 "PROXY\tUNKNOWN\r\n"})
    EXPECT_EQ(parse_proxy_header(line).state, State::kMalformed) << line;
  EXPECT_EQ(parse_proxy_header("PROXY TCP4 192.0.2.1\0x 198.51.100.2 1 2\r\n"s).state, State::kMalformed);
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n").state, State::kComplete);
  EXPECT_EQ(parse_proxy_header("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n").state, State::kMalformed);
}

TEST(ProxyHeaderTest, ReadsVersion2) {
  expect(binary(0x21, 0x11, kTcp4), "192.0.2.1:4711", "198.51.100.2:8888");
  expect(binary(0x21, 0x21, tcp6()), "[2001:db8::1]:4711", "[2001:db8::2]:8888");
  expect(binary(0x21, 0x31, std::string(216, '\0')), "unknown", "unknown");
  expect(binary(0x21, 0x00, ""), "unknown", "unknown");
  expect(binary(0x21, 0x00, "anything"), "unknown", "unknown");
  expect(binary(0x21, 0x12, kTcp4), "unknown", "unknown");
  expect(binary(0x21, 0x11, kTcp4 + "\x04\x00\x02xy\x05\x00\x00"s), "192.0.2.1:4711", "198.51.100.2:8888");
  expect(binary(0x20, 0x11, kTcp4), "unknown", "unknown");
  EXPECT_TRUE(parse_proxy_header(binary(0x20, 0x00, "")).is_local);
  EXPECT_FALSE(parse_proxy_header(binary(0x21, 0x11, kTcp4)).is_local);
}

TEST(ProxyHeaderTest, RefusesOtherBytesOfVersion2) {
  const std::string bad[] = {
      binary(0x11, 0x11, kTcp4),                      // of another version
      binary(0x22, 0x11, kTcp4),                      // an unknown command
      binary(0x21, 0x11, kTcp4.substr(1)),            // too short for its addresses
      binary(0x21, 0x21, kTcp4),                      // likewise
      binary(0x21, 0x31, std::string(215, '\0')),     // likewise
      binary(0x21, 0x11, kTcp4 + "\x04"),             // a triple without its length
      binary(0x21, 0x11, kTcp4 + "\x04\x00\x03xy"s),  // a triple that is longer than the rest
      binary(0x21, 0x00, std::string(kMaxProxyHeader - 15, 'x')),
  };
  for (const std::string& bytes : bad)
    EXPECT_EQ(parse_proxy_header(bytes).state, State::kMalformed);
  EXPECT_EQ(parse_proxy_header(binary(0x21, 0x00, std::string(kMaxProxyHeader - 16, 'x'))).state,
            State::kComplete);
  EXPECT_EQ(parse_proxy_header(kBegin2.substr(0, 11) + "X").state, State::kMalformed);
}

}  // namespace
}  // namespace httpd::net
