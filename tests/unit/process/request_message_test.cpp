// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/request_message.h"

#include <gtest/gtest.h>
#include <string>
#include <sys/un.h>

#include "net/stream.h"
#include "process/memory_file.h"
#include "random.h"
#include "requests.h"

namespace httpd::process {
namespace {

net::Address address(std::string_view literal, std::uint16_t port) {
  return *net::Address::parse(literal, port);
}
net::Address unix_address() {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  return {reinterpret_cast<const sockaddr&>(name), sizeof(sa_family_t)};
}
std::shared_ptr<TlsSession> session() {
  auto tls = std::make_shared<TlsSession>();
  *tls = {"TLS1.3", "TLS_AES", "host", "CN=client", "CN=issuer", "0a", std::string(64, 'f')};
  return tls;
}
std::string bytes_of(const Origin& origin) {
  std::string bytes;
  append_origin(origin, bytes);
  return bytes;
}

TEST(Origin, AddressesComeThrough) {
  const net::Address v4 = address("192.0.2.1", 80);
  const net::Address v6 = address("2001:db8::1", 65535);
  const net::Address zoned = address("fe80::1%lo", 1);
  for (const net::Address& client : {v4, v6, zoned})
    for (const net::Address& server : {v4, v6, zoned}) {
      const std::optional<Origin> read = read_origin(bytes_of({client, server, "alice", "id-1", nullptr}));
      ASSERT_TRUE(read);
      EXPECT_EQ(read->client, client);
      EXPECT_EQ(read->server, server);
      EXPECT_EQ(read->user, "alice");
      EXPECT_EQ(read->request_id, "id-1");
      EXPECT_EQ(read->tls, nullptr);
    }
}

TEST(Origin, PlacesInTheUnixDomainAndUnknownOnesComeThrough) {
  const std::optional<Origin> read =
      read_origin(bytes_of({unix_address(), net::Address(), "alice", "id-1", nullptr}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client.family(), AF_UNIX);
  EXPECT_EQ(read->client.text(), "unix");
  EXPECT_EQ(read->server.family(), AF_UNSPEC);
}

TEST(Origin, ATlsSessionComesThrough) {
  const auto tls = session();
  const std::optional<Origin> read =
      read_origin(bytes_of({unix_address(), address("::1", 2), "alice", "id-1", tls}));
  ASSERT_TRUE(read);
  ASSERT_NE(read->tls, nullptr);
  EXPECT_EQ(read->tls->version, tls->version);
  EXPECT_EQ(read->tls->cipher_suite, tls->cipher_suite);
  EXPECT_EQ(read->tls->server_name, tls->server_name);
  EXPECT_EQ(read->tls->client_subject, tls->client_subject);
  EXPECT_EQ(read->tls->client_issuer, tls->client_issuer);
  EXPECT_EQ(read->tls->client_serial, tls->client_serial);
  EXPECT_EQ(read->tls->client_fingerprint, tls->client_fingerprint);
}

TEST(Origin, TextsOfASessionMayBeEmptyLongOrHoldNuls) {
  const auto tls = std::make_shared<TlsSession>();
  std::optional<Origin> read = read_origin(bytes_of({unix_address(), unix_address(), "alice", "id-1", tls}));
  ASSERT_TRUE(read);
  EXPECT_NE(read->tls, nullptr) << "a session without a word is one all the same";
  tls->client_subject = std::string(100'000, 's');
  tls->server_name = std::string("a\0b", 3);
  read = read_origin(bytes_of({unix_address(), unix_address(), "alice", "id-1", tls}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->tls->client_subject, tls->client_subject);
  EXPECT_EQ(read->tls->server_name, tls->server_name);
}

TEST(Origin, IsNoneOfAnyOtherLength) {
  const std::string plain =
      bytes_of({address("192.0.2.1", 80), address("2001:db8::1", 1), "alice", "id-1", nullptr});
  const std::string secure =
      bytes_of({address("192.0.2.1", 80), address("2001:db8::1", 1), "alice", "id-1", session()});
  ASSERT_TRUE(secure.starts_with(plain));
  for (std::size_t size = 0; size < secure.size(); ++size) {
    // A copy on the heap, so that a read behind its end is noticed.
    const std::string part = secure.substr(0, size);
    EXPECT_EQ(read_origin(part).has_value(), size == plain.size()) << size;
  }
  EXPECT_FALSE(read_origin(secure + "x"));
  EXPECT_FALSE(read_origin(plain + "x"));
}

TEST(Origin, DamagedBytesNeverLeadOutOfThem) {
  Random random(2);
  const std::string good = bytes_of({address("192.0.2.1", 80), unix_address(), "alice", "id-1", session()});
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (unsigned damage = random() % 4; damage > 0 && !bytes.empty(); --damage)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.shrink_to_fit();
    if (const std::optional<Origin> read = read_origin(bytes)) {
      EXPECT_FALSE(read->client.text().empty());
      EXPECT_FALSE(read->server.text().empty());
    }
  }
  for (std::size_t at = 0; at + 4 <= good.size(); ++at) {
    std::string bytes = good;
    bytes.replace(at, 4, "\xFF\xFF\xFF\xFF");
    static_cast<void>(read_origin(bytes));
  }
}

class RequestMessageTest : public ::testing::Test {
 protected:
  RequestMessageTest() {
    router.add("test", "r", handler([](const Request&, Reply) {}));
  }
  http::Limits limits;
  server::Router router;
  std::string origin;
};

TEST_F(RequestMessageTest, CarriesOriginHeadAndBody) {
  const std::string head = "POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
  const auto tls = session();
  WholeRequest request(limits, router, head, "body", tls);
  const Outgoing message = request_message(77, request.exchange, origin);
  EXPECT_EQ(message.header.kind, Header::Kind::kRequest);
  EXPECT_EQ(message.header.id, 77U);
  EXPECT_EQ(message.file, -1);
  std::string payload;
  for (const std::string_view part : message.parts)
    payload += part;
  const std::optional<RequestParts> parts = request_parts(message.header, payload, {});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->head, head);
  EXPECT_EQ(parts->body, "body");
  EXPECT_EQ(parts->body.data()[4], '\0');
  const std::optional<Origin> read = read_origin(parts->origin);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->client.text(), "192.0.2.1:1234");
  EXPECT_EQ(read->server.text(), "[::1]:8888");
  ASSERT_NE(read->tls, nullptr);
  EXPECT_EQ(read->tls->client_subject, "CN=client");
}

TEST_F(RequestMessageTest, ReplacesAnOlderOrigin) {
  WholeRequest request(limits, router, get("/r"));
  origin = "of the request before";
  const Outgoing message = request_message(1, request.exchange, origin);
  EXPECT_EQ(message.header.body_size, 1U) << "the NUL behind an empty body";
  EXPECT_TRUE(read_origin(origin));
}

TEST_F(RequestMessageTest, ALargeBodyTravelsInItsFile) {
  const std::string body(100'000, 'b');
  WholeRequest request(
      limits, router,
      "POST /r HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
      body);
  ASSERT_TRUE(request.exchange.spill_body(true));
  const Outgoing message = request_message(1, request.exchange, origin);
  EXPECT_EQ(message.header.body, Header::Body::kInFile);
  EXPECT_EQ(message.header.body_size, body.size() + 1) << "with a NUL behind it";
  EXPECT_EQ(message.file, request.exchange.spilled_body().descriptor());
  EXPECT_TRUE(message.parts[2].empty());
  std::string file(body.size() + 1, '?');
  ASSERT_TRUE(net::read_file({message.file, 0, file.size()}, file.data()));
  const std::string payload = std::string(message.parts[0]) + std::string(message.parts[1]);
  const std::optional<RequestParts> parts = request_parts(message.header, payload, file);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->body, body);
  EXPECT_FALSE(request_parts(message.header, payload, std::string_view(file).substr(1)));
  EXPECT_FALSE(request_parts(message.header, payload + "x", file));
}

TEST(RequestParts, AreNoneOfAnotherPayload) {
  Header header;
  header.sizes = {1, 2};
  header.body_size = 4;
  const std::string payload("ohhbod\0", 7);
  const std::optional<RequestParts> parts = request_parts(header, payload, {});
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->origin, "o");
  EXPECT_EQ(parts->head, "hh");
  EXPECT_EQ(parts->body, "bod");
  EXPECT_FALSE(request_parts(header, payload.substr(1), {}));
  EXPECT_FALSE(request_parts(header, payload + "x", {}));
  EXPECT_FALSE(request_parts(header, "", {}));
  header.body_size = 0;
  EXPECT_FALSE(request_parts(header, payload.substr(0, 3), {})) << "there is a NUL at least";
  header.body_size = UINT64_MAX;
  EXPECT_FALSE(request_parts(header, payload, {}));
  header.sizes = {UINT32_MAX, UINT32_MAX};
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{7}, UINT64_MAX, UINT64_MAX - 8}) {
    header.body_size = size;
    EXPECT_FALSE(request_parts(header, payload, {})) << size;
  }
}

}  // namespace
}  // namespace httpd::process
