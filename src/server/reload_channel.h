// Asking the HTTPD process, from any process of its host, to read files again.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "net/event_loop.h"
#include "net/unique_fd.h"

namespace httpd::server {

/// Which files are read again.
enum class Reload : char {
  kAll = 'R',  ///< those of TLS and credentials
  kTls = 'T',
  kCredentials = 'C',
  kConfiguration = 'F'  ///< the configuration, and then all that it names
};

/// What became of a reload.
struct ReloadResult {
  bool good = false;
  std::string text;  ///< what is in service now, or what is wrong; at most ReloadChannel::kMaxText bytes
};

/// A pair of sockets made before the processes are forked. A request carries a pipe for its answer, so it can
/// be asked from several places at once, waits while the HTTPD process is being started again, and ends when
/// that process does.
class ReloadChannel final : private net::EventHandler {
 public:
  static constexpr std::size_t kMaxText = 4000;  // less than PIPE_BUF: written in one piece, or not at all

  /// Throws std::system_error.
  ReloadChannel();
  ReloadChannel(const ReloadChannel&) = delete;
  ReloadChannel& operator=(const ReloadChannel&) = delete;
  ~ReloadChannel();

  /// Makes the calling process the one that reloads, by `reload`, which does not throw. `loop` must outlive
  /// the channel, or leave() be called before its end. Throws std::system_error.
  void serve(net::EventLoop& loop, std::function<ReloadResult(Reload)> reload);
  void leave() noexcept;

  /// Asks for a reload, and waits for its result. In the process that reloads it is done at once.
  [[nodiscard]] ReloadResult request(Reload what, std::chrono::milliseconds patience);
  /// Asks for a reload, and does not wait for it. What is returned becomes readable with the answer, and must
  /// be kept for take_answer(); empty when too many wait already, or there is no descriptor.
  [[nodiscard]] net::UniqueFd ask(Reload what) noexcept;
  /// What came through `answer`, which is readable.
  [[nodiscard]] static ReloadResult take_answer(const net::UniqueFd& answer);

 private:
  void on_events(std::uint32_t events) override;
  void keep_reserve() noexcept;

  net::UniqueFd asking_;
  net::UniqueFd serving_;
  net::EventLoop* loop_ = nullptr;
  std::function<ReloadResult(Reload)> reload_;
  /// For the answer and for the file that is being read, when connections have taken all other descriptors.
  std::array<net::UniqueFd, 2> reserve_;
};

}  // namespace httpd::server
