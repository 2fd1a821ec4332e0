// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/endpoints.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace httpd::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EndpointsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "endpoints_test.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static ListenAddress tcp(std::uint16_t port, std::string ip = "127.0.0.1", bool tls = false) {
    ListenAddress address;
    address.ip = std::move(ip);
    address.port = port;
    address.tls = tls;
    return address;
  }
  [[nodiscard]] ListenAddress unix_socket(const std::string& options = "") const {
    return ListenAddress::parse("unix:" + path() + options);
  }
  [[nodiscard]] std::string path() const { return folder / "a.sock"; }
  [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(folder); }

  /// What systemd would pass: a socket that listens, and its name.
  static InheritedSocket inherited(const std::string& name, const std::string& ip = "127.0.0.1") {
    net::ListenSocket socket = net::ListenSocket::bind(ip, 0);
    socket.listen();
    return {net::ListenSocket::adopt(net::UniqueFd(::dup(socket.descriptor()))), name};
  }
  static std::vector<InheritedSocket> list(InheritedSocket one) {
    std::vector<InheritedSocket> result;
    result.push_back(std::move(one));
    return result;
  }

  template <class Function>
  static std::string error(Function function) {
    try {
      function();
    } catch (const ConfigError& refusal) {
      return refusal.what();
    }
    return "none";
  }
  static std::string open_error(const std::vector<ListenAddress>& listeners,
                                std::vector<InheritedSocket> sockets = {}) {
    return error([&] { return open_endpoints(listeners, std::move(sockets), "/usr/bin/program"); });
  }
  static std::string check_error(const std::vector<ListenAddress>& listeners) {
    return error([&] { check_endpoints(listeners, "/usr/bin/program"); });
  }

  std::filesystem::path folder;
};

// --- which listeners there are ---

TEST_F(EndpointsTest, IpAndPortMakeAListenerUnlessOthersStandAlone) {
  Settings settings;
  const auto texts = [&settings] {
    std::vector<std::string> result;
    for (const ListenAddress& listener : listeners_of(settings))
      result.push_back(listener.text());
    return result;
  };
  EXPECT_THAT(texts(), ::testing::ElementsAre("http://*:8888"));
  EXPECT_EQ(listeners_of(settings).front().name, "httpd");
  settings.listen.push_back(ListenAddress::parse("http://127.0.0.1:8080"));
  EXPECT_THAT(texts(), ::testing::ElementsAre("http://127.0.0.1:8080"));
  settings.address_given = true;
  EXPECT_THAT(texts(), ::testing::ElementsAre("http://*:8888", "http://127.0.0.1:8080"));
  settings.tls.certificate_files.push_back({"/cert", ""});
  EXPECT_THAT(texts(), ::testing::ElementsAre("https://*:8888", "http://127.0.0.1:8080"))
      << "the listener of ip and port speaks TLS once there is a certificate";
}

TEST_F(EndpointsTest, HttpsNeedsACertificate) {
  Settings settings;
  settings.listen.push_back(ListenAddress::parse("https://127.0.0.1:8443"));
  EXPECT_THAT(
      error([&] { return listeners_of(settings); }),
      AllOf(HasSubstr("https://127.0.0.1:8443"), HasSubstr("tls_cert_file"), HasSubstr("tls_key_file")));
  settings.tls.certificate_files.push_back({"/cert", ""});
  EXPECT_EQ(listeners_of(settings).size(), 1U);
}

TEST_F(EndpointsTest, TwoListenersWithOneAddressAreAnError) {
  const auto both = [](const std::string& one, const std::string& other) {
    Settings settings;
    settings.listen = {ListenAddress::parse(one), ListenAddress::parse(other)};
    return error([&] { return listeners_of(settings); });
  };
  EXPECT_THAT(both("http://127.0.0.1:80", "http://127.0.0.1"),
              AllOf(HasSubstr("http://127.0.0.1:80 and http://127.0.0.1:80"), HasSubstr("remove one")));
  EXPECT_THAT(both("http://*:80", "http://[::]:80"), HasSubstr("same address"));
  EXPECT_THAT(both("http://[::1]:80", "http://[0:0::1]:80"), HasSubstr("same address"));
  EXPECT_THAT(both("unix:/run/a", "unix:/run//./a?mode=600"), HasSubstr("unix:/run/a and unix:/run//./a"));
  EXPECT_EQ(both("http://127.0.0.1:80", "http://127.0.0.1:81"), "none");
  EXPECT_EQ(both("http://127.0.0.1:80", "http://[::1]:80"), "none");
  EXPECT_EQ(both("unix:/run/a", "unix:/run/b"), "none");
  EXPECT_EQ(both("unix:/run/a", "http://127.0.0.1:80"), "none");
  Settings settings;
  settings.address_given = true;
  settings.listen = {ListenAddress::parse("http://*:8888")};
  EXPECT_THAT(error([&] { return listeners_of(settings); }),
              HasSubstr("parameters ip and port make a listener of their own"));
}

TEST_F(EndpointsTest, TwoListenersWithOneNameAreAnError) {
  Settings settings;
  settings.listen = {ListenAddress::parse("http://*:80?name=a"), ListenAddress::parse("http://*:81?name=a")};
  EXPECT_THAT(error([&] { return listeners_of(settings); }), HasSubstr("the same name \"a\""));
  settings.listen = {ListenAddress::parse("http://*:80?name=httpd")};
  EXPECT_EQ(listeners_of(settings).size(), 1U);
  settings.address_given = true;
  EXPECT_THAT(error([&] { return listeners_of(settings); }), HasSubstr("the same name \"httpd\""));
}

// --- opening them ---

TEST_F(EndpointsTest, OpensAllThatAreAskedFor) {
  const std::vector<Endpoint> endpoints =
      open_endpoints({tcp(0), tcp(0, "127.0.0.2", true), unix_socket("?mode=600")}, {}, "/usr/bin/program");
  ASSERT_EQ(endpoints.size(), 3U);
  EXPECT_EQ(endpoints[0].url(), "http://127.0.0.1:" + std::to_string(endpoints[0].socket.address().port()));
  EXPECT_FALSE(endpoints[0].tls);
  EXPECT_EQ(endpoints[1].url(), "https://127.0.0.2:" + std::to_string(endpoints[1].socket.address().port()));
  EXPECT_TRUE(endpoints[1].tls);
  EXPECT_EQ(endpoints[2].url(), "unix:" + path());
  for (const Endpoint& endpoint : endpoints) {
    int listening = 0;
    socklen_t length = sizeof listening;
    ASSERT_EQ(::getsockopt(endpoint.socket.descriptor(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), 0);
    EXPECT_EQ(listening, 1) << endpoint.url();
  }
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(EndpointsTest, AFailureLeavesNoFileBehind) {
  net::ListenSocket taken = net::ListenSocket::bind("127.0.0.1", 0);
  taken.listen();
  EXPECT_THAT(open_error({unix_socket(), tcp(taken.address().port())}), HasSubstr("in use"));
  EXPECT_TRUE(is_empty());
}

TEST_F(EndpointsTest, ErrorsOfTcpSayWhatToDo) {
  net::ListenSocket taken = net::ListenSocket::bind("127.0.0.1", 0);
  taken.listen();
  const std::string text = open_error({tcp(taken.address().port())});
  EXPECT_THAT(text, AllOf(HasSubstr("http://127.0.0.1:" + std::to_string(taken.address().port())),
                          HasSubstr("ss -ltnp"), HasSubstr("another listen line of this file")));
  EXPECT_THAT(open_error({tcp(0, "192.0.2.1")}), AllOf(HasSubstr("192.0.2.1"), HasSubstr("no interface")));
  EXPECT_THAT(check_error({tcp(0, "192.0.2.1")}), HasSubstr("no interface"));
  EXPECT_EQ(check_error({tcp(taken.address().port())}), "none") << "it may be the daemon that is checked for";
}

TEST_F(EndpointsTest, ErrorsOfUnixSocketsSayWhatToDo) {
  struct Row {
    std::string listener;
    std::string_view why;
  };
  std::ofstream(folder / "file") << "precious";
  for (const Row& row : {
           Row{"unix:" + path() + "?user=no-such-user", "there is no user \"no-such-user\""},
           Row{"unix:" + path() + "?group=no-such-group", "there is no group \"no-such-group\""},
           Row{"unix:" + (folder / "absent/a.sock").string(), "RuntimeDirectory="},
           Row{"unix:" + (folder / "file").string(), "a file that is no socket"},
       }) {
    EXPECT_THAT(open_error({ListenAddress::parse(row.listener)}), HasSubstr(row.why)) << row.listener;
    EXPECT_THAT(check_error({ListenAddress::parse(row.listener)}), HasSubstr(row.why)) << row.listener;
  }
  const std::vector<Endpoint> live = open_endpoints({unix_socket()}, {}, "/usr/bin/program");
  EXPECT_THAT(open_error({unix_socket()}), AllOf(HasSubstr("answers there"), HasSubstr("ss -lxp")));
  EXPECT_EQ(check_error({unix_socket()}), "none") << "it may be the daemon that is checked for";
  EXPECT_EQ(live.front().url(), "unix:" + path());
}

TEST_F(EndpointsTest, CheckingLeavesNothingBehind) {
  EXPECT_EQ(check_error({unix_socket(), tcp(0)}), "none");
  EXPECT_TRUE(is_empty());
}

TEST_F(EndpointsTest, CheckingLeavesToSystemdWhatHasItsName) {
  ListenAddress foreign = tcp(0, "192.0.2.1");
  foreign.name = "web";
  EXPECT_EQ(check_error({foreign}), "none");
  foreign.name = kDefaultListenerName;
  EXPECT_NE(check_error({foreign}), "none") << "the name of ip and port was not given on purpose";
  const std::string absent = "unix:" + (folder / "absent/a.sock").string() + "?name=web";
  EXPECT_EQ(check_error({ListenAddress::parse(absent)}), "none");
  EXPECT_THAT(check_error({ListenAddress::parse(absent + "&user=no-such-user")}), HasSubstr("no-such-user"));
}

// --- inherited sockets ---

TEST_F(EndpointsTest, ANameBringsItsSocketWhateverTheAddress) {
  ListenAddress listener = tcp(1, "192.0.2.1", true);
  listener.name = "web";
  InheritedSocket socket = inherited("web");
  const std::string text = socket.socket.text();
  const auto endpoints = open_endpoints({listener}, list(std::move(socket)), "");
  ASSERT_EQ(endpoints.size(), 1U);
  EXPECT_EQ(endpoints[0].url(), "https://" + text);
}

TEST_F(EndpointsTest, SeveralSocketsOfOneNameServeOneListener) {
  ListenAddress listener = tcp(1);
  listener.name = "web";
  std::vector<InheritedSocket> sockets = list(inherited("web"));
  sockets.push_back(inherited("web", "127.0.0.2"));
  EXPECT_EQ(open_endpoints({listener}, std::move(sockets), "").size(), 2U);
}

TEST_F(EndpointsTest, AnAddressBringsItsSocket) {
  for (const std::string ip : {"127.0.0.1", "*", "::1", "::"}) {
    try {
      InheritedSocket socket = inherited("some.socket", ip);
      const auto listener = tcp(socket.socket.address().port(), ip);
      // Binding it again would fail.
      const auto endpoints = open_endpoints({tcp(0), listener}, list(std::move(socket)), "");
      ASSERT_EQ(endpoints.size(), 2U);
      EXPECT_EQ(endpoints[1].url(), listener.text());
    } catch (const std::system_error&) {
      GTEST_SKIP() << "no IPv6 here";
    }
  }
}

TEST_F(EndpointsTest, APathBringsItsSocketAndTheFileStays) {
  const net::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  InheritedSocket socket{net::ListenSocket::adopt(net::UniqueFd(::dup(fd.get()))), "unknown"};
  EXPECT_EQ(open_endpoints({unix_socket()}, list(std::move(socket)), "").front().url(), "unix:" + path());
  EXPECT_FALSE(is_empty()) << "systemd made it";
}

TEST_F(EndpointsTest, AStarIsDualStackAlone) {
  InheritedSocket v4 = inherited("x", "0.0.0.0");
  const std::uint16_t port = v4.socket.address().port();
  EXPECT_THAT(open_error({tcp(port, "*")}, list(std::move(v4))), HasSubstr("belongs to no listener"));
}

TEST_F(EndpointsTest, ANameGoesBeforeAnAddress) {
  InheritedSocket socket = inherited("web");
  ListenAddress by_address = tcp(socket.socket.address().port());
  ListenAddress by_name = tcp(1, "192.0.2.1", true);
  by_name.name = "web";
  // The listener whose address it has finds it taken.
  EXPECT_THAT(open_error({by_address, by_name}, list(std::move(socket))), HasSubstr("in use"));
}

TEST_F(EndpointsTest, AnInheritedSocketOfNobodyIsAnErrorWithTwoWaysOut) {
  InheritedSocket socket = inherited("web.socket");
  const std::string url = "http://" + socket.socket.text();
  EXPECT_THAT(
      open_error({unix_socket(), tcp(0)}, list(std::move(socket))),
      AllOf(HasSubstr("\"web.socket\" on " + url),
            HasSubstr("modparam(\"httpd\", \"listen\", \"" + url + "\")"), HasSubstr("name=web.socket")));
  EXPECT_TRUE(is_empty());
}

}  // namespace
}  // namespace httpd::server
