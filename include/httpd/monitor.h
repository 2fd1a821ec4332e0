// What the host is doing, for people who look at it: lists that no number tells.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace httpd {

/// For the HTTPD process alone, hence for handlers that never_block(): elsewhere all lists are empty. Texts
/// are UTF-8 without control characters unless something else is said, and those that clients have sent are
/// escaped; std::string_views live as long as the host. All but is_draining() throw std::bad_alloc.
class Monitor {
 public:
  /// A number, by its name in get_statistics: "httpd:open_connections".
  struct Statistic {
    std::string_view name;
    std::uint64_t value = 0;  ///< as get_statistics gives it
    std::uint64_t total = 0;  ///< since the host's start, whatever was reset; of what also falls: the value
    bool incremental = true;  ///< false for what also falls
  };
  /// How long calls took: how many of each length, and all together.
  struct Times {
    std::span<const std::chrono::microseconds> bounds{};  ///< the longest time of each length, rising
    std::vector<std::uint64_t> counts{};                  ///< one more than bounds: what is longer
    std::chrono::nanoseconds sum{0};
  };
  /// A root path. Its numbers are since the host's start.
  struct Root {
    std::string_view root;
    std::string_view module;     ///< who registered it
    std::string_view statistic;  ///< what stands for it in names: "mi" in "httpd:requests_mi_post_2xx"
    std::array<std::uint64_t, 4> replies{};  ///< 2xx, 3xx, 4xx and 5xx
    Times handler_time{};
  };
  /// A request that is with a handler, or waits for one.
  struct Request {
    std::string root;
    std::string line;  ///< "GET /path HTTP/1.1", escaped; its end may be cut off
    std::string client;
    std::string_view state;            ///< "queued", "running", "kept", "streaming" or "overdue"
    std::chrono::milliseconds age{0};  ///< how long it has been in this state
    pid_t process = 0;                 ///< where the handler runs; 0 while it waits
  };
  /// A handler process.
  struct Worker {
    unsigned number = 0;  ///< from 1
    pid_t process = 0;
    /// Whose handler it runs: the line as in Request or, where requests() has no room for it, "/" and the
    /// root path. "" when it is free.
    std::string request;
    std::chrono::milliseconds age{0};  ///< how long that has been running, from its begin
  };
  /// Whose connections are open: an address, or of IPv6 a network of 64 bits.
  struct Client {
    std::string address;
    std::size_t connections = 0;
  };
  /// A certificate that is in service.
  struct Certificate {
    std::string file;
    std::string subject;  ///< its distinguished name (RFC 4514); any bytes
    std::string names;    ///< the DNS names and addresses that it is for, joined by ", "; any bytes
    std::time_t not_after = 0;
  };
  /// A request or a connection that was refused.
  struct Refusal {
    std::chrono::system_clock::time_point time{};
    std::string client;
    std::string request;         ///< the request line as far as it came, escaped; its end may be cut off
    int status = 0;              ///< also where the client was not told
    std::string_view reason;     ///< one short sentence without a full stop
    std::string_view parameter;  ///< of the module httpd: the one that moves the limit; "" where none does
    std::string_view statistic;  ///< "httpd:refusals_too_many_connections"
  };

  /// Those that are there with any roots, in the order of list_statistics. In any process, and at start.
  [[nodiscard]] virtual std::vector<Statistic> statistics() const = 0;
  /// In the order of registration.
  [[nodiscard]] virtual std::vector<Root> roots() const = 0;
  /// The oldest first.
  [[nodiscard]] virtual std::vector<Request> requests() const = 0;
  /// By their numbers; none where handlers run in the HTTPD process.
  [[nodiscard]] virtual std::vector<Worker> workers() const = 0;
  /// The `most` clients with the most connections, falling.
  [[nodiscard]] virtual std::vector<Client> clients(std::size_t most) const = 0;
  /// None without TLS.
  [[nodiscard]] virtual std::vector<Certificate> certificates() const = 0;
  /// The last ones, the newest first: kRefusals of them at most.
  [[nodiscard]] virtual std::vector<Refusal> refusals() const = 0;
  static constexpr std::size_t kRefusals = 50;
  /// The server ends, or leaves its place to another one: replies that have no end of their own are to end.
  [[nodiscard]] virtual bool is_draining() const noexcept = 0;

 protected:
  ~Monitor() = default;
};

}  // namespace httpd
