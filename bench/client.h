// What the load generators share: descriptors that close themselves, connections to loopback, and one kind of
// failure, after which nothing that was measured counts. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace bench {

/// Nothing that was measured counts.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A Failure with what the system says of the last call.
[[noreturn]] void fail(const char* what);

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// The number that is all of the text. Throws Failure where it is something else, or too large.
std::size_t number(std::string_view text);
std::uint16_t port_number(std::string_view text);

/// A blocking connection to a port on loopback, without Nagle's delay. The kernel makes it at once, unless
/// the server's queue is full.
Descriptor connect_to(std::uint16_t port);
/// The same; without a descriptor where nobody listens.
Descriptor try_to_connect(std::uint16_t port);

/// Sends all of it, waiting where the server is slow.
void send_all(int socket, std::string_view bytes);

/// The head of a GET. With `last` it says that it is the connection's last one.
std::string get_request(std::string_view path, bool last = false);

/// The body's first bytes behind a head that is complete in `received`; none where it is not. Throws Failure
/// unless the status is 200 and the head states a body of `size` bytes.
std::optional<std::string_view> check_head(std::string_view received, std::size_t size);

/// Says that the measurement may begin, and waits for a line, before which the server's figures are read.
void wait_for_start();

/// Writes `program: what` to stderr.
void complain(const char* program, const char* what) noexcept;

/// Runs it, and returns what main() returns: 1, with a line on stderr, where it throws.
template <typename F>
int run(const char* program, F work) {
  try {
    work();
    return 0;
  } catch (const std::exception& exception) {
    complain(program, exception.what());
    return 1;
  }
}

}  // namespace bench
