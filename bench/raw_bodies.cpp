// The floor for large bodies: one connection at a time, head and body with one writev, an upload read into
// memory. It looks for the empty line and for the length, and knows no HTTP beyond that.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

#include "client.h"

namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kLengthField = "\r\nContent-Length: ";

enum class Work {
  kConstant,  ///< the memory is filled once
  kFilled,    ///< it is filled for each reply
  kFresh,     ///< so is memory that is new each time, and given back
  kHuge,      ///< the same with the largest pages that the system has
};

class Memory {
 public:
  explicit Memory(std::size_t size, bool huge = false)
      : size_(size),
        data_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (data_ == MAP_FAILED) bench::fail("mmap");
    // Where the system has none it has small ones, as without the wish.
    if (huge) static_cast<void>(::madvise(data_, size, MADV_HUGEPAGE));
  }
  ~Memory() { ::munmap(data_, size_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void fill() { std::memset(data_, 'x', size_); }
  [[nodiscard]] char* data() const noexcept { return static_cast<char*>(data_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  void* data_;
};

class RawServer {
 public:
  RawServer(std::uint16_t port, std::size_t size, Work work)
      : work_(work), size_(size), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    if (::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        ::setsockopt(listener_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), SOMAXCONN) != 0)
      bench::fail("listen");
    if (work_ == Work::kConstant || work_ == Work::kFilled) kept_.emplace(size).fill();
  }

  [[noreturn]] void run() {
    for (;;) {
      const bench::Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (client.get() < 0) bench::fail("accept4");
      while (serve(client.get()))
        continue;
    }
  }

 private:
  /// False when the client is gone.
  bool serve(int client) {
    std::array<char, 4096> piece{};
    std::string head;
    std::size_t end = std::string::npos;
    while ((end = head.find(kEndOfHead)) == std::string::npos) {
      const ssize_t count = ::recv(client, piece.data(), piece.size(), 0);
      if (count <= 0) return false;
      head.append(piece.data(), static_cast<std::size_t>(count));
    }
    const std::size_t length = head.find(kLengthField);
    if (length >= end) return print(client);
    const std::size_t digits = length + kLengthField.size();
    return take(client, bench::number(head.substr(digits, head.find('\r', digits) - digits)),
                std::string_view(head).substr(end + kEndOfHead.size()));
  }

  /// The memory for one request.
  Memory& memory(std::optional<Memory>& fresh, std::size_t size) {
    return kept_ ? *kept_ : fresh.emplace(size, work_ == Work::kHuge);
  }

  bool print(int client) {
    std::optional<Memory> fresh;
    Memory& body = memory(fresh, size_);
    if (work_ != Work::kConstant) body.fill();
    std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(size_) +
        "\r\n\r\n";
    std::array<iovec, 2> parts{iovec{head.data(), head.size()}, iovec{body.data(), size_}};
    for (std::size_t missing = head.size() + size_; missing > 0;) {
      const ssize_t count = ::writev(client, parts.data(), 2);
      if (count <= 0) return false;
      auto written = static_cast<std::size_t>(count);
      missing -= written;
      for (iovec& part : parts) {
        const std::size_t here = std::min(written, part.iov_len);
        part.iov_base = static_cast<char*>(part.iov_base) + here;
        part.iov_len -= here;
        written -= here;
      }
    }
    return true;
  }

  bool take(int client, std::size_t size, std::string_view begin) {
    std::optional<Memory> fresh;
    Memory& body = memory(fresh, size);
    if (size > body.size()) throw bench::Failure("a larger upload than was announced");
    begin.copy(body.data(), begin.size());
    for (std::size_t at = begin.size(); at < size;) {
      const ssize_t count = ::recv(client, body.data() + at, size - at, 0);
      if (count <= 0) return false;
      at += static_cast<std::size_t>(count);
    }
    const std::string text = std::to_string(size);
    bench::send_all(client,
                    "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
    return true;
  }

  Work work_;
  std::size_t size_;
  bench::Descriptor listener_;
  std::optional<Memory> kept_;
};

std::optional<Work> work_named(std::string_view name) {
  if (name == "constant") return Work::kConstant;
  if (name == "filled") return Work::kFilled;
  if (name == "fresh") return Work::kFresh;
  if (name == "huge") return Work::kHuge;
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  const std::optional<Work> work = argc == 4 ? work_named(arguments[3]) : std::nullopt;
  if (!work) {
    static_cast<void>(std::fputs("usage: bench_raw_bodies PORT SIZE constant|filled|fresh|huge\n", stderr));
    return 2;
  }
  return bench::run("bench_raw_bodies", [&] {
    RawServer(bench::port_number(arguments[1]), bench::number(arguments[2]), *work).run();
  });
}
