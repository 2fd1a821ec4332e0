// One connection that fetches a large body, or uploads one, again and again, and prints how long all of it
// took. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "client.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBufferSize = 256 * 1024;

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(bench::connect_to(port)), buffer_(kBufferSize) {}

  /// Asks, and reads the reply, whose body must have `size` bytes.
  void fetch(const std::string& request, std::size_t size) {
    bench::send_all(socket_.get(), request);
    const std::string begin = read_head(size);
    std::size_t missing = size - begin.size();
    while (missing > 0)
      missing -= std::min(missing, receive(missing));
  }

  /// Sends a body of `size` bytes behind `head`. The reply's body must be that number.
  void upload(const std::string& head, std::size_t size) {
    bench::send_all(socket_.get(), head);
    for (std::size_t missing = size; missing > 0;) {
      const std::size_t count = std::min(missing, buffer_.size());
      bench::send_all(socket_.get(), {buffer_.data(), count});
      missing -= count;
    }
    const std::string wanted = std::to_string(size);
    std::string body = read_head(wanted.size());
    while (body.size() < wanted.size())
      body.append(buffer_.data(), receive(wanted.size() - body.size()));
    if (body != wanted) throw bench::Failure("the server took " + body + " bytes of " + wanted);
  }

 private:
  /// At most `most` bytes, into the buffer.
  std::size_t receive(std::size_t most) {
    const ssize_t count = ::recv(socket_.get(), buffer_.data(), std::min(most, buffer_.size()), 0);
    if (count < 0) bench::fail("recv");
    if (count == 0) throw bench::Failure("the reply was cut off");
    return static_cast<std::size_t>(count);
  }

  /// Returns what has come of a body of `size` bytes.
  std::string read_head(std::size_t size) {
    std::string received;
    for (;;) {
      received.append(buffer_.data(), receive(buffer_.size()));
      if (const auto begin = bench::check_head(received, size)) return std::string(*begin);
    }
  }

  bench::Descriptor socket_;
  std::vector<char> buffer_;
};

void measure(bool uploads, std::uint16_t port, const std::string& path, std::size_t size,
             std::size_t seconds) {
  const std::string head = uploads ? "POST " + path +
                                         " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                                         "Content-Length: " +
                                         std::to_string(size) + "\r\n\r\n"
                                   : bench::get_request(path);
  Client client(port);
  const auto once = [&] { uploads ? client.upload(head, size) : client.fetch(head, size); };
  once();  // so that the windows of the connection have grown, and memory that is kept is there
  bench::wait_for_start();
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + std::chrono::seconds(seconds);
  std::size_t count = 0;
  do {
    once();
    ++count;
  } while (Clock::now() < end);
  std::printf("{\"count\": %zu, \"seconds\": %.6f}\n", count,
              std::chrono::duration<double>(Clock::now() - start).count());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc != 6 || (arguments[2] != "get" && arguments[2] != "post")) {
    static_cast<void>(std::fputs("usage: bench_bulk PORT get|post PATH SIZE SECONDS\n", stderr));
    return 2;
  }
  return bench::run("bench_bulk", [&] {
    measure(arguments[2] == "post", bench::port_number(arguments[1]), arguments[3],
            bench::number(arguments[4]), bench::number(arguments[5]));
  });
}
