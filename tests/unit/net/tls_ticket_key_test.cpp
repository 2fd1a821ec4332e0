// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_ticket_key.h"

#include <gmock/gmock.h>
#include <string>

#include "net/tls_error.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(TlsTicketKey, EachOfAServersOwnIsAnother) {
  const TlsTicketKey one;
  const TlsTicketKey other;
  EXPECT_EQ(one.bytes().size(), TlsTicketKey::kSize);
  EXPECT_NE(one.bytes(), other.bytes());
}

class TlsTicketKeyFileTest : public ::testing::Test {
 protected:
  /// What a file with this content comes to.
  std::string key(const std::string& bytes, const std::string& ciphers = "NORMAL") {
    const TlsTicketKey made(folder.write("key", bytes), true, ciphers);
    return std::string(made.bytes());
  }
  /// Why the file is refused; "" when it is not.
  std::string refusal(const std::string& file, bool check_permissions = true) {
    try {
      const TlsTicketKey made(file, check_permissions, "NORMAL");
    } catch (const TlsError& error) {
      return error.what();
    }
    return {};
  }

  const std::string content = std::string(1, '\0') + std::string(62, 'k') + '\n';
  TemporaryFolder folder;
};

TEST_F(TlsTicketKeyFileTest, EverybodyHasTheSame) {
  EXPECT_EQ(key(content).size(), TlsTicketKey::kSize);
  EXPECT_EQ(key(content), key(content));
  std::string other = content;
  other.back() = 'l';
  EXPECT_NE(key(content), key(other)) << "all bytes count";
}

TEST_F(TlsTicketKeyFileTest, ThePriorityStringHasAPartInIt) {
  EXPECT_NE(key(content), key(content, "NORMAL:-VERS-TLS1.2"));
  // HMAC-SHA512 (RFC 4231), which machines with other releases of this program must have, too:
  // openssl mac -digest SHA512 -macopt hexkey:00$(printf '6b%.0s' $(seq 62))0a HMAC, with NORMAL as its
  // input.
  EXPECT_THAT(key(content), StartsWith("\x83\xc5\x62\x33\xb4\x05\xb1\xff"));
}

TEST_F(TlsTicketKeyFileTest, OtherSizesAreRefusedWithTheRemedy) {
  for (const std::size_t size : {1U, 48U, 63U, 65U, 80U, 128U}) {
    const std::string file = folder.write("key", std::string(size - 1, 'k') + 'l');
    EXPECT_EQ(refusal(file), "tls_ticket_key_file \"" + file + "\" has " + std::to_string(size) +
                                 " bytes, and a key has 64: this makes one: (umask 077; openssl rand -out '" +
                                 file + "' 64)");
  }
  EXPECT_THAT(refusal(folder.write("key", "")), HasSubstr("is empty"));
  EXPECT_THAT(refusal(folder.path("missing")),
              StartsWith("tls_ticket_key_file \"" + folder.path("missing") + "\" cannot be read: "));
}

TEST_F(TlsTicketKeyFileTest, AFileThatWasNeverWrittenIsNoKey) {
  for (const char byte : {'\0', 'a', '\xff'})
    EXPECT_THAT(refusal(folder.write("key", std::string(64, byte))),
                HasSubstr("is no key: all its bytes are the same"));
}

TEST_F(TlsTicketKeyFileTest, OneThatIsOpenToEverybodyIsRefusedUnlessThatIsMeant) {
  const std::string file = folder.write("key", content, 0644);
  EXPECT_THAT(refusal(file), StartsWith("tls_ticket_key_file \"" + file +
                                        "\" is open to every user (mode 0644): run: chmod o-rwx '" + file +
                                        "' (or set tls_key_permissions_check to 0"));
  EXPECT_EQ(refusal(file, false), "");
  folder.write("key", content, 0640);
  EXPECT_EQ(refusal(file), "");
}

}  // namespace
}  // namespace httpd::net
