// The floor of the comparison: an epoll loop that looks for the empty line that ends a head and writes a
// reply made beforehand. It knows no HTTP beyond that. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kReadSize = 65'536;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// How much of kEndOfHead the bytes of a connection end with so far: all that has to be kept of them.
using Matched = unsigned char;

class RawServer {
 public:
  RawServer(std::uint16_t port, std::size_t body_size, bool close_each)
      : reply_("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body_size) +
               (close_each ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n") + std::string(body_size, 'x')),
        close_each_(close_each) {
    const int one = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener_ < 0 || epoll_ < 0) fail("socket");
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
    if (::listen(listener_, SOMAXCONN) != 0) fail("listen");
    watch(listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept_all();
        } else {
          serve(fd);
        }
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t what) const {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      if (static_cast<std::size_t>(fd) >= matched_.size()) matched_.resize(static_cast<std::size_t>(fd) + 1);
      matched_[static_cast<std::size_t>(fd)] = 0;
      watch(fd, EPOLLIN | EPOLLET);
    }
  }

  void serve(int fd) {
    const ssize_t count = ::recv(fd, buffer_.get(), kReadSize, 0);
    if (count <= 0) {
      if (count == 0 || errno != EAGAIN) ::close(fd);
      return;
    }
    output_.clear();
    Matched matched = matched_[static_cast<std::size_t>(fd)];
    for (const char byte : std::string_view(buffer_.get(), static_cast<std::size_t>(count))) {
      if (byte == kEndOfHead[matched]) {
        ++matched;
      } else {
        matched = byte == '\r' ? 1 : 0;
      }
      if (matched == kEndOfHead.size()) {
        output_ += reply_;
        matched = 0;
      }
    }
    matched_[static_cast<std::size_t>(fd)] = matched;
    if (output_.empty()) return;
    // The loads of this comparison never fill a socket's buffer.
    if (::send(fd, output_.data(), output_.size(), MSG_NOSIGNAL) < 0 || close_each_) ::close(fd);
  }

  std::string reply_;
  bool close_each_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kReadSize);
  std::string output_;
  std::vector<Matched> matched_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  const bool close_each = argc == 4 && arguments[3] == "close";
  if (argc != 3 && !close_each) {
    (void)std::fputs("usage: bench_raw_server PORT BODY_SIZE [close]\n", stderr);
    return 2;
  }
  try {
    RawServer(static_cast<std::uint16_t>(std::stoul(arguments[1])), std::stoul(arguments[2]), close_each)
        .run();
  } catch (const std::exception& exception) {
    (void)std::fprintf(stderr, "bench_raw_server: %s\n", exception.what());
    return 1;
  }
}
